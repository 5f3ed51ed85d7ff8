/** As simulated.test.ts, in thousands of schedules; MULTIPROCESS_SCHEDULES says how many, MULTIPROCESS_SEED from which on. */
import { describe, test } from 'node:test'
import { PROGRAMS } from '../fixtures/simulated/programs.ts'
import { Simulation } from '../fixtures/simulated/simulation.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(1_500_000)
const SCHEDULES = Number(process.env.MULTIPROCESS_SCHEDULES ?? 20_000)
const FIRST_SEED = Number(process.env.MULTIPROCESS_SEED ?? 1000)
/** Simulated processes collect nothing between their schedules: what finalizers did would be steps of another one. */
const BATCH = 2000

describe('simulated', { timeout }, () => {
  for (const name of Object.keys(PROGRAMS)) {
    test(`${name}, in ${SCHEDULES} schedules`, { timeout }, async t => {
      let steps = 0
      let deaths = 0
      for (let first = 0; first < SCHEDULES; first += BATCH) {
        await using simulation = new Simulation()
        const simulated = simulation.run(name, FIRST_SEED + first, Math.min(BATCH, SCHEDULES - first))
        steps += simulated.steps
        deaths += simulated.deaths
      }
      t.diagnostic(`${steps} steps, ${deaths} deaths`)
    })
  }
})
