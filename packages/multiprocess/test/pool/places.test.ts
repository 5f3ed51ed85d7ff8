/** A pool may have places for many more workers than run: their table is longer than what is mapped of the arena at a time. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as processes from '../../src/index.ts'
import * as threads from '../../src/threads.ts'
import { square } from '../fixtures/pool/tasks.ts'

for (const [name, { Pool }] of Object.entries({ processes, threads })) {
  describe(`a pool with 900 places, over ${name}`, { timeout: 60_000 }, () => {
    test('runs its tasks, and so does another one afterwards, in slots far behind the first window', async () => {
      for (let round = 0; round < 2; round++) {
        await using pool = new Pool({ processes: 450, minProcesses: 1, idleTimeout: 60_000 })
        assert.equal(await pool.apply(square, [7]), 49)
        assert.deepEqual(await pool.map(square, [1, 2, 3]), [1, 4, 9])
      }
    })
  })
}
