import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import vm from 'node:vm'
import { cross } from '../../fixtures/closures/crossing.ts'
import { type Program, writeProgram } from '../../fixtures/closures/programs.ts'
import { limit } from '../../fixtures/slowness.ts'

/** Programs of nested scopes, each with closures; a process of its own calls what was sent to it. */
const PROGRAMS = 60
const SEED = 20_261_122

describe('closures of random programs', { timeout: limit(240_000), concurrency: 2 }, () => {
  for (let round = 0; round < 4; round++) {
    test(`seeds from ${SEED + round * PROGRAMS}`, async () => {
      const programs: Program[] = []
      for (let i = 0; i < PROGRAMS; i++) programs.push(writeProgram(SEED + round * PROGRAMS + i))
      const closures = programs.flatMap(({ text }) => vm.runInThisContext(text) as (() => unknown)[])
      // All are sent before any is called, as the calls change what they captured.
      const remote = cross((given: (() => unknown)[]) => given.map(f => f()), closures)
      const local = programs.flatMap(({ text }) => (vm.runInThisContext(text) as (() => unknown)[]).map(f => f()))
      const values = await remote
      assert.ok(values.length > PROGRAMS)
      for (const [i, value] of values.entries()) assert.deepEqual(value, local[i], closures[i].toString())
    })
  }
})
