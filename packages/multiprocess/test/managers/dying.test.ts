/** Whoever dies: the server, a client, the owner. Nobody hangs, and what the dead held goes to the next. */
import { describe, test } from 'node:test'
import { GROUNDS } from '../fixtures/managers/grounds.ts'
import * as kills from '../fixtures/managers/kills.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

for (const [ground, library] of GROUNDS) {
  describe(`managers over ${ground}`, { timeout, concurrency: 1 }, () => {
    for (const [name, run] of Object.entries(kills.ON_BOTH_GROUNDS)) {
      test(name, { timeout }, () => run(library, 1))
    }
  })
}

describe('managers in processes', { timeout, concurrency: 1 }, () => {
  for (const [name, run] of Object.entries(kills.IN_PROCESSES)) test(name, { timeout }, () => run(1))
})
