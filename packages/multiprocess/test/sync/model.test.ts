/**
 * Every interleaving of the steps of Lock, RLock and Semaphore. What runs is the code of src/sync itself (`acquireSync`, `release`,
 * and the loop and the claims of waiting.ts and turns.ts); what is modelled are the process table, the parking lot, by its
 * contract (parking looks at the word and goes to sleep in one step; unparking is one step; a sleep may end early), and the
 * clock. A step is one access to a shared word, one question to the process table, or one call of the parking lot.
 *
 * Covered: all orders of these steps of 2 processes (3 in sync.soak.ts) that each take and release once or twice; one of them dies
 * before any step, also while it sleeps, and is reaped at any time later, with all asleep woken before and after its place is
 * given up; a sleep runs out at any moment; clocks so slow that nobody claims a turn, and so fast that everybody woken in vain
 * does. Left out: spinning (which only tries again), `acquire` in the event loop (the same steps; its parking is tested between
 * processes), deaths of two, and the inside of the parking lot, which has its own tests.
 *
 * Asserted: nobody is inside with another; a death while holding is told exactly once, or still stands in the word, and nothing
 * else is told; in the end nobody sleeps: whoever sleeps is always woken by somebody, without a sleep having to run out, unless
 * what they wait for is a dead one's, whom they find when it does; no flag is left.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { limit } from '../fixtures/slowness.ts'
import { explore } from '../fixtures/sync/interleavings.ts'
import { SHORT } from '../fixtures/sync/programs.ts'

const timeout = limit(60_000)

describe('every interleaving', { timeout }, () => {
  for (const [name, program] of Object.entries(SHORT)) {
    test(`of ${name}`, { timeout }, () => {
      const { states, ends } = explore(program)
      assert.ok(states > 5000 && ends > 100, `${states} states, ${ends} ends`)
    })
  }
})
