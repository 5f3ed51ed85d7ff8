/** As simulated.test.ts, in thousands of schedules; MULTIPROCESS_SCHEDULES says how many, MULTIPROCESS_SEED from which on. */
import { after, describe, test } from 'node:test'
import { PROGRAMS } from './fixtures/simulated/programs.ts'
import { Simulation } from './fixtures/simulated/simulation.ts'

const timeout = 1_500_000
const SCHEDULES = Number(process.env.MULTIPROCESS_SCHEDULES ?? 20_000)
const FIRST_SEED = Number(process.env.MULTIPROCESS_SEED ?? 1000)

describe('simulated', { timeout }, () => {
  const simulation = new Simulation()
  after(() => simulation[Symbol.asyncDispose]())

  for (const name of Object.keys(PROGRAMS)) {
    test(`${name}, in ${SCHEDULES} schedules`, { timeout }, t => {
      const { steps, deaths } = simulation.run(name, FIRST_SEED, SCHEDULES)
      t.diagnostic(`${steps} steps, ${deaths} deaths`)
    })
  }
})
