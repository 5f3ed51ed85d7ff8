import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { nowhere, testStore } from './conformance.ts'

testStore({ name: 'memory', open: async () => new MemoryStore() })

test('half a million URLs are handed out in seconds, not hours', { timeout: 30_000 }, async () => {
  const store = new MemoryStore()
  for (let number = 0; number < 500_000; number++) {
    await store.add([{ url: `http://a/${number}`, depth: number % 7, from: null, error: null }])
  }
  let last = -1
  let taken = 0
  for (;;) {
    const { leases } = await store.lease(1)
    if (leases.length === 0) break
    assert.ok(leases[0].depth >= last)
    last = leases[0].depth
    taken++
    await store.finish(leases[0], nowhere)
  }
  assert.equal(taken, 500_000)
})
