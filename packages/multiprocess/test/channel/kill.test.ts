/** Queues go on whoever is killed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentFamily } from '../../src/ground/family.ts'
import { Queue } from '../../src/index.ts'
import { keepsBlocks, killConsumers, killProducers } from '../fixtures/channel/killing.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

test('items that killed producers had put stay whole in the queue', { timeout }, () => killProducers(10))

test('a killed consumer takes at most one item with it', { timeout }, () => killConsumers(10))

test('a queue frees its memory, including that of the items in it', { timeout }, async () => {
  await keepsBlocks(async () => {
    for (let i = 0; i < 100; i++) {
      const queue = new Queue<unknown>()
      for (const length of [0, 1000, 20_000, 100_000]) queue.putNowait('x'.repeat(length))
      if (i % 2 === 0) while (!queue.empty()) queue.getNowait()
    }
  }, 10)
})

test('a bounded queue with a slow consumer takes no more memory the longer it runs', { timeout }, async () => {
  const queue = new Queue<Uint8Array>(10)
  const { arena } = currentFamily('spawn')
  const item = new Uint8Array(50_000)
  const pass = async (count: number) => {
    const putting = (async () => {
      for (let i = 0; i < count; i++) await queue.put(item)
    })()
    for (let i = 0; i < count; i++) assert.equal((await queue.get()).length, item.length)
    await putting
  }
  await pass(100)
  const { usedPages } = arena.check()
  await pass(1000)
  assert.ok(arena.check().usedPages <= usedPages + 2, `${usedPages} pages became ${arena.check().usedPages}`)
})
