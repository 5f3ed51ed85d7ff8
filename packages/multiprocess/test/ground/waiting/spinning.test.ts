/** When waits spin, and how long. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Patience, SimplePatience, spin } from '../../../src/ground/waiting/spinning.ts'
import { limit } from '../../fixtures/slowness.ts'

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
  test('spinning continues as long as it pays', () => {
    assert.equal(spinsIn(1000, new Patience(), [true, 0.01], 0.05), 1000)
  })

  test('spinning becomes rare when it does not pay, whether sleeps are short or long', () => {
    for (const slept of [0.05, 5]) {
      const patience = new Patience()
      spinsIn(1000, patience, [false, 0.1], slept)
      const spins = spinsIn(1000, patience, [false, 0.1], slept)
      assert.ok(spins > 5 && spins < 30, `${spins} of 1000 waits of ${slept} ms`)
    }
  })

  test('spinning stops at once when it was interrupted, whatever it found', () => {
    const patience = new Patience()
    patience.spun(true, 3)
    assert.equal(patience.isLeft, false)
  })

  test('spinning comes back after a few short sleeps', () => {
    const patience = new Patience()
    patience.spun(false, 3)
    const sleeps = spinsIn(100, patience, [true, 0.01], 0.05)
    assert.ok(sleeps >= 90, `${sleeps} of 100 waits`)
  })
})

describe('spinning where sleeps are not measured', { timeout }, () => {
  test('unmeasured spinning continues as long as it pays', () => {
    const patience = new SimplePatience(4, 64)
    for (let i = 0; i < 1000; i++) {
      assert.equal(patience.maySpin(), true)
      patience.spun(i % 4 === 0)
    }
  })

  test('one of 64 waits tries unmeasured spinning after four vain spins, until it pays again', () => {
    const patience = new SimplePatience(4, 64)
    let spins = 0
    for (let i = 0; i < 4 + 640; i++) {
      if (!patience.maySpin()) continue
      spins++
      patience.spun(false)
    }
    assert.equal(spins, 4 + 10)
    while (!patience.maySpin());
    patience.spun(true)
    for (let i = 0; i < 3; i++) patience.spun(false)
    assert.equal(patience.maySpin(), true, 'the fourth vain spin is still to come')
  })
})

describe('a spin', { timeout }, () => {
  test('a spin ends with the look that finds something', () => {
    let looks = 0
    assert.equal(
      spin(() => ++looks === 21, 1000),
      true
    )
    assert.equal(looks, 21)
  })

  test('a spin ends without result after its time, and lets other processes run meanwhile', () => {
    const begin = performance.now()
    let yields = 0
    assert.equal(
      spin(
        () => false,
        2,
        () => yields++
      ),
      false
    )
    assert.ok(performance.now() - begin >= 1.99, 'its time is not over')
    assert.ok(yields >= 1, 'nobody else ran')
  })
})
