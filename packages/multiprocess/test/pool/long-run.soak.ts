/** What `long-run.test.ts` does for a moment, for long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapWhileKilled, runMany } from '../fixtures/pool/long-run.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(900_000)

test('10,000,000 tasks run in flat memory', { timeout }, () => runMany(10_000_000))

test('maps of 200,000 items with retries survive a random worker being killed every 50 ms for a minute', {
  timeout
}, async () => {
  const end = performance.now() + 60_000
  let kills = 0
  for (let seed = 1; performance.now() < end; seed++) kills += await mapWhileKilled(200_000, 50, seed)
  assert.ok(kills > 100, `${kills} kills`)
})
