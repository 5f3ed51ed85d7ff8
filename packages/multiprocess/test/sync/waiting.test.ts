/** When waits spin, and what they leave behind. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SEAT_COUNT, SEATS_WORD } from '../../src/ground/arena/layout.ts'
import { currentFamily } from '../../src/ground/family.ts'
import { cpuCount } from '../../src/ground/os/processors.ts'
import { Patience, WaitWord } from '../../src/sync/waiting.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(10_000)

/** How many of the waits, all alike, spin. */
function spinsIn(waits: number, patience: Patience, spin: [isFound: boolean, ms: number], slept: number): number {
  let spins = 0
  for (let i = 0; i < waits; i++) {
    if (patience.isLeft) {
      spins++
      patience.spun(...spin)
    } else {
      patience.slept(slept)
    }
  }
  return spins
}

describe('spinning', { timeout }, () => {
  test('goes on as long as it pays', () => {
    assert.equal(spinsIn(1000, new Patience(), [true, 0.01], 0.05), 1000)
  })

  test('becomes rare when it does not pay, be sleeps short or long', () => {
    for (const slept of [0.05, 5]) {
      const patience = new Patience()
      spinsIn(1000, patience, [false, 0.1], slept)
      const spins = spinsIn(1000, patience, [false, 0.1], slept)
      assert.ok(spins > 5 && spins < 30, `${spins} of 1000 waits of ${slept} ms`)
    }
  })

  test('is given up at once when it was interrupted, whatever it found', () => {
    const patience = new Patience()
    patience.spun(true, 3)
    assert.equal(patience.isLeft, false)
  })

  test('comes back after a few short sleeps', () => {
    const patience = new Patience()
    patience.spun(false, 3)
    const sleeps = spinsIn(100, patience, [true, 0.01], 0.05)
    assert.ok(sleeps >= 90, `${sleeps} of 100 waits`)
  })
})

test('a wait whose step throws as it spins leaves its seat', {
  timeout,
  skip: cpuCount() < 2 && 'nobody spins'
}, async () => {
  const family = currentFamily('spawn')
  const at = family.arena.allocate(64)
  const isSeated = () => family.memory.first.words.subarray(SEATS_WORD, SEATS_WORD + SEAT_COUNT).includes(family.self)
  const step = () => {
    if (isSeated()) throw new Error('in the middle')
    return undefined
  }
  const word = () => new WaitWord(family, at, new Patience())
  assert.throws(() => word().waitSync(step, 1000), /in the middle/)
  assert.equal(isSeated(), false)
  await assert.rejects(word().wait(step, 1000, undefined, undefined, true), /in the middle/)
  assert.equal(isSeated(), false)
  family.arena.free(at)
})
