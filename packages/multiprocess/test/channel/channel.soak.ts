/** Channels for long: many items, large ones, many kills. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool, Process, Queue } from '../../src/index.ts'
import { killConsumers, killProducers } from '../fixtures/channel/killing.ts'
import * as tasks from '../fixtures/channel/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(900_000)
const ITEMS = 250_000

test('4 producers and 4 consumers pass 250,000 items each, and every item arrives exactly once', {
  timeout
}, async () => {
  const queue = new Queue<number>()
  await using pool = new Pool(8)
  const consumers = [tasks.consume, tasks.consumeSync, tasks.consume, tasks.consumeSync].map(consume =>
    pool.apply(consume as typeof tasks.consume, [queue])
  )
  const producers = [0, 1, 2, 3].map(producer => pool.apply(tasks.produceSync, [queue, producer, ITEMS]))
  await Promise.all(producers)
  for (const _ of consumers) queue.putNowait(-1)
  const taken = Float64Array.from((await Promise.all(consumers)).flat()).sort()
  assert.equal(taken.length, 4 * ITEMS)
  taken.forEach((item, i) => {
    if (item !== Math.floor(i / ITEMS) * tasks.STRIDE + (i % ITEMS)) assert.fail(`${item} stands at ${i}`)
  })
})

test('5,000,000 items pass through a queue of 1,000', { timeout }, async () => {
  const queue = new Queue<number>(1000)
  const child = new Process({ target: tasks.produceSync, args: [queue, 0, 5_000_000] })
  child.start()
  for (let i = 0; i < 5_000_000; i++) {
    const item = await queue.get()
    if (item !== i) assert.fail(`${item} came instead of ${i}`)
  }
  await child.join()
})

test('items of up to 256 MB pass through a queue', { timeout }, async () => {
  const queue = new Queue<Uint8Array>()
  const lengths = [0, 1, 2 ** 20, 2 ** 24, 2 ** 26 - 1, 2 ** 26 + 1, 2 ** 28]
  const child = new Process({ target: tasks.putBytes, args: [queue, lengths] })
  child.start()
  for (const length of lengths) {
    const bytes = await queue.get()
    assert.equal(bytes.length, length)
    assert.equal(
      bytes.findIndex(byte => byte !== (length & 0xff)),
      -1
    )
  }
  await child.join()
  assert.equal(child.exitcode, 0)
})

test('a queue loses no item that it has while 200 producers and 200 consumers are killed', { timeout }, async () => {
  await killProducers(200)
  await killConsumers(200)
})
