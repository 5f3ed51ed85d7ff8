/**
 * The code of synchronization, channels, parking lot and arena, as it is, on the simulated ground: several processes whose accesses
 * to shared words are interleaved by seed, and of whom one dies at any access. Of each program some hundred schedules; many
 * thousands in simulated.soak.ts. A schedule that fails tells its seed, and MULTIPROCESS_SEED replays it; MULTIPROCESS_TRACE says
 * how many of its steps are told.
 *
 * Asserted: mutual exclusion; each message once, whole, and in order; nobody sleeps on while a step is possible, nor until a timeout
 * where nobody died; after a death all others come to their end; when all have ended, nothing is in use but what the protocol
 * comments say that a death may lose. Programs with a known fault show that the schedules find it.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { FAULTY, PROGRAMS } from '../fixtures/simulated/programs.ts'
import { Simulation } from '../fixtures/simulated/simulation.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const SCHEDULES = 100
const FIRST_SEED = 1
/** Of a faulty program: 3 of 400 schedules find the fault of the rarer one. */
const MOST_FAULTY = 400
const seed = process.env.MULTIPROCESS_SEED

describe('simulated', { timeout: 5 * timeout }, () => {
  const simulation = new Simulation()
  after(() => simulation[Symbol.asyncDispose]())

  for (const name of Object.keys(PROGRAMS)) {
    test(`${name}, in ${seed === undefined ? `${SCHEDULES} schedules` : `the schedule of seed ${seed}`}`, {
      timeout
    }, t => {
      if (seed !== undefined) {
        simulation.run(name, Number(seed), 1)
        return
      }
      const { steps, deaths } = simulation.run(name, FIRST_SEED, SCHEDULES)
      t.diagnostic(`${steps} steps, ${deaths} deaths`)
      assert.ok(steps > 20 * SCHEDULES)
      assert.ok(PROGRAMS[name].hasNoDeaths === true || deaths > SCHEDULES / 8, `${deaths} deaths`)
    })
  }

  for (const name of Object.keys(FAULTY)) {
    test(`${name}: a death between taking a message over and reading it is found to leave a receiver waiting`, {
      timeout
    }, () => {
      const found: number[] = []
      for (let first = FIRST_SEED; first < FIRST_SEED + MOST_FAULTY && found.length === 0; first++) {
        try {
          simulation.run(name, first, 1)
        } catch (error) {
          assert.match((error as Error).message, /\((?:0|1) died\): the end of a pipe was not told/)
          if (/\(1 died\)/.test((error as Error).message)) found.push(first)
        }
      }
      assert.equal(found.length, 1)
      assert.throws(() => simulation.run(name, found[0], 1), /the end of a pipe was not told/)
    })
  }

  test('the same seed gives the same schedule, whatever ran before', { timeout }, () => {
    for (const name of Object.keys(PROGRAMS)) {
      const first = [7, 8, 9].map(seed => simulation.run(name, seed, 1).digest)
      const again = [9, 8, 7].map(seed => simulation.run(name, seed, 1).digest)
      assert.deepEqual(again.reverse(), first, name)
      assert.equal(new Set(first).size, 3, name)
    }
  })
})
