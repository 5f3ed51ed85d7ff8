/** The kills of dying.test.ts, often; and 100,000 proxies. */
import { test } from 'node:test'
import { Manager } from '../../src/index.ts'
import { GROUNDS } from '../fixtures/managers/grounds.ts'
import { dropMany } from '../fixtures/managers/holding.ts'
import * as kills from '../fixtures/managers/kills.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(1_200_000)

for (const [ground, library] of GROUNDS) {
  for (const [name, run] of Object.entries(kills.ON_BOTH_GROUNDS)) {
    test(`${name}, over ${ground}`, { timeout }, () => run(library, 100))
  }
}
for (const [name, run] of Object.entries(kills.IN_PROCESSES)) test(name, { timeout }, () => run(50))

test('100,000 proxies made and dropped leave the server flat', { timeout }, async () => {
  await using manager = await Manager()
  await dropMany(manager, 100_000, true)
  await dropMany(manager, 100_000, false)
})
