/** The example, on a cluster: it prints what it prints on one machine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Program } from './fixtures/programs.ts'
import { missing, RedisServer } from './fixtures/redis.ts'

const EXAMPLE = fileURLToPath(new URL('../../../../examples/dist/8-cluster.js', import.meta.url))
const HOME = fileURLToPath(new URL('../../../../examples/', import.meta.url))

test('the example prints the same on a cluster as on one machine', { skip: missing, timeout: 60_000 }, async () => {
  await using server = await RedisServer.start()
  await using program = new Program(EXAMPLE, [], { cwd: HOME, env: { REDIS_URL: server.url } })
  assert.equal(await program.ended(), 0, program.output)
  for (const line of [
    'primes below 10,000: 1229',
    'sum of squares: 14',
    'RangeError: from far away',
    'duplicates: 0'
  ]) {
    assert.ok(program.output.includes(line), program.output)
  }
})
