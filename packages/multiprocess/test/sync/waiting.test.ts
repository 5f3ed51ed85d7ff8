/** What waits leave behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEAT_COUNT, SEATS_WORD } from '../../src/ground/arena/layout.ts'
import { currentFamily } from '../../src/ground/family.ts'
import { cpuCount } from '../../src/ground/os/processors.ts'
import { Patience } from '../../src/ground/waiting/spinning.ts'
import { WaitWord } from '../../src/sync/waiting.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(10_000)

test('a wait whose step throws while it spins gives up its seat', {
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
