/** Queue, JoinableQueue, SimpleQueue, between processes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WINDOW_BYTES } from '../src/ground/layout.ts'
import {
  Empty,
  Event,
  Full,
  JoinableQueue,
  Lock,
  Pipe,
  Pool,
  Process,
  Queue,
  SerializationError,
  SimpleQueue,
  TimeoutError,
  ValueError
} from '../src/index.ts'
import * as tasks from './fixtures/channel/tasks.ts'

const timeout = 60_000
const ITEMS = Number(process.env.MULTIPROCESS_TEST_RUNS ?? 10_000)

function startAll(...targets: [target: (...args: never[]) => unknown, ...args: unknown[]][]): Process[] {
  return targets.map(([target, ...args]) => {
    const child = new Process({ target: target as never, args: args as never })
    child.start()
    return child
  })
}

async function joinAll(children: readonly Process[]): Promise<void> {
  for (const child of children) {
    await child.join()
    assert.equal(child.exitcode, 0)
  }
}

/** Every item of every producer once, and those of one producer in their order wherever they went. */
function checkTaken(taken: readonly number[][], producers: number, count: number): void {
  const all = taken.flat().sort((a, b) => a - b)
  assert.equal(all.length, producers * count)
  all.forEach((item, i) => {
    assert.equal(item, Math.floor(i / count) * tasks.STRIDE + (i % count))
  })
  for (const items of taken) {
    const last = new Map<number, number>()
    for (const item of items) {
      const producer = Math.floor(item / tasks.STRIDE)
      assert.ok((last.get(producer) ?? -1) < item, `${item} came after ${last.get(producer)}`)
      last.set(producer, item)
    }
  }
}

describe('4 producers and 4 consumers', { timeout }, () => {
  for (const [name, make] of [
    ['a Queue', () => new Queue<number>()],
    ['a Queue of 10 items at the most', () => new Queue<number>(10)],
    ['a SimpleQueue', () => new SimpleQueue<number>()]
  ] as const) {
    test(`${name} hands every item to one of them`, { timeout }, async () => {
      const queue = make() as Queue<number>
      await using pool = new Pool(4)
      const consumers = [tasks.consume, tasks.consumeSync, tasks.consume, tasks.consumeSync].map(consume =>
        pool.apply(consume as typeof tasks.consume, [queue])
      )
      // What fails first is what is told.
      for (const consumer of consumers) consumer.catch(() => {})
      const producers = startAll(
        [tasks.produce, queue, 0, ITEMS],
        [tasks.produceSync, queue, 1, ITEMS],
        [tasks.produceAtOnce, queue, 2, ITEMS],
        [tasks.produceSync, queue, 3, ITEMS]
      )
      await joinAll(producers)
      for (const _ of consumers) await queue.put(-1)
      checkTaken(await Promise.all(consumers), 4, ITEMS)
      assert.equal(queue.empty(), true)
    })
  }
})

describe('a Queue', { timeout }, () => {
  test('gives what was put in, the first first', async () => {
    const queue = new Queue<unknown>()
    const items = [1, 'two', { three: [4n] }, undefined, new Map([[5, new Date(6)]]), 'x'.repeat(100_000)]
    for (const item of items) await queue.put(item)
    assert.equal(queue.qsize(), items.length)
    for (const item of items) assert.deepEqual(await queue.get(), item)
    assert.equal(queue.qsize(), 0)
    assert.equal(queue.empty(), true)
  })

  test('takes items of any length, many times over', async () => {
    const queue = new Queue<Uint8Array>()
    const lengths = [0, 1, 1000, 16_379, 16_380, 16_381, 16_385, 65_535, 65_536, 1_000_003, 16_777_216, 5]
    const order = [...lengths, ...[...lengths].reverse()]
    const children = startAll([tasks.putBytes, queue, order])
    for (const length of order) {
      const bytes = await queue.get()
      assert.equal(bytes.length, length)
      assert.ok(bytes.every(byte => byte === (length & 0xff)))
    }
    await joinAll(children)
  })

  test('takes an item that is longer than what is mapped of the arena at a time', () => {
    const queue = new Queue<Uint8Array>()
    const bytes = Buffer.alloc(WINDOW_BYTES + 1, 'some bytes')
    queue.putNowait(bytes)
    assert.ok(bytes.equals(queue.getNowait()))
    const [receiver, sender] = Pipe({ duplex: false })
    sender.sendBytesSync(bytes)
    assert.ok(bytes.equals(receiver.recvBytesSync()))
  })

  test('outlives who put into it: a process may be joined before its items are taken', async () => {
    const queue = new Queue<Uint8Array>()
    await joinAll(startAll([tasks.putBytes, queue, [5_000_000, 7, 100_000]]))
    assert.equal(queue.qsize(), 3)
    for (const length of [5_000_000, 7, 100_000]) assert.equal(queue.getSync().length, length)
  })

  test('holds maxsize items', async () => {
    const queue = new Queue<number>(2)
    assert.equal(queue.maxsize, 2)
    queue.putNowait(1)
    assert.equal(queue.full(), false)
    queue.putNowait(2)
    assert.equal(queue.full(), true)
    assert.throws(() => queue.putNowait(3), Full)
    assert.throws(() => queue.putSync(3, { timeout: 5 }), Full)
    await assert.rejects(queue.put(3, { timeout: 5 }), Full)
    assert.equal(queue.qsize(), 2)
    const waiting = [queue.put(3), queue.put(4), queue.put(5)]
    assert.throws(() => queue.putNowait(6), Full)
    for (const expected of [1, 2, 3, 4, 5]) assert.equal(await queue.get(), expected)
    await Promise.all(waiting)
  })

  test('is as full and as empty as what others did has left it', async () => {
    const queue = new Queue<number>(8)
    await using pool = new Pool(1)
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 8; i++) queue.putNowait(i)
      assert.throws(() => queue.putNowait(8), Full)
      assert.equal(queue.getNowait(), 0)
      // Seven are left, and another process takes them.
      assert.deepEqual(await pool.apply(tasks.takeSync, [queue, 7]), [1, 2, 3, 4, 5, 6, 7])
      assert.throws(() => queue.getNowait(), Empty)
      await pool.apply(tasks.produceSync, [queue, 0, 3])
      for (let i = 3; i < 8; i++) queue.putNowait(i)
      assert.throws(() => queue.putNowait(8), Full)
      assert.deepEqual(tasks.takeSync(queue, 8), [0, 1, 2, 3, 4, 5, 6, 7])
      assert.throws(() => queue.getNowait(), Empty)
    }
  })

  test('keeps the order of waiting puts when one of them gives up', async () => {
    const queue = new Queue<number>(1)
    await queue.put(0)
    const controller = new AbortController()
    const reason = new Error('enough')
    const first = queue.put(1)
    const second = queue.put(2, { signal: controller.signal })
    const third = queue.put(3, { timeout: 1 })
    const fourth = queue.put(4)
    await assert.rejects(third, Full)
    controller.abort(reason)
    await assert.rejects(second, reason)
    assert.deepEqual([await queue.get(), await queue.get(), await queue.get()], [0, 1, 4])
    await Promise.all([first, fourth])
    await assert.rejects(queue.put(9, { signal: controller.signal }), reason)
    assert.equal(queue.qsize(), 0)
  })

  test('says when it is empty', async () => {
    const queue = new Queue<number>()
    assert.throws(() => queue.getNowait(), Empty)
    assert.throws(() => queue.getSync({ timeout: 5 }), Empty)
    await assert.rejects(queue.get({ timeout: 5 }), Empty)
    const reason = new Error('enough')
    await assert.rejects(queue.get({ signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const aborted = queue.get({ signal: controller.signal })
    const other = queue.get()
    controller.abort(reason)
    await assert.rejects(aborted, reason)
    queue.putNowait(7)
    assert.equal(await other, 7)
    await assert.rejects(queue.get({ timeout: Number.NaN }), RangeError)
  })

  test('refuses at put what cannot cross, and nothing is in it', async () => {
    const queue = new Queue<unknown>()
    const refused = { list: [new WeakMap()] }
    await assert.rejects(queue.put(refused), error => {
      assert.ok(error instanceof SerializationError)
      assert.equal(error.path, 'item.list[0]')
      return true
    })
    assert.throws(() => queue.putSync(refused), SerializationError)
    assert.throws(() => queue.putNowait(refused), SerializationError)
    assert.equal(queue.qsize(), 0)
  })

  test('reads an item as it is put', async () => {
    const queue = new Queue<number[]>(1)
    const item = [1]
    await queue.put(item)
    const waiting = queue.put(item)
    item.push(2)
    assert.deepEqual(await queue.get(), [1])
    await waiting
    assert.deepEqual(await queue.get(), [1])
  })

  test('brings shared objects and functions, and goes inside itself', async () => {
    const queue = new Queue<unknown>()
    const lock = new Lock()
    lock.acquireSync()
    await queue.put([lock, queue, tasks.consume])
    const [sameLock, sameQueue, fn] = (await queue.get()) as [Lock, Queue, unknown]
    assert.equal(sameLock, lock)
    assert.equal(sameQueue, queue)
    assert.equal(fn, tasks.consume)
    const captured = 41
    await queue.put((n: number) => captured + n)
    assert.equal(((await queue.get()) as (n: number) => number)(1), 42)
  })

  test('is waited for by a loop', async () => {
    const queue = new Queue<number>(5)
    await using pool = new Pool(1)
    const taken = pool.apply(tasks.consumeByLoop, [queue])
    for (let i = 0; i < 100; i++) await queue.put(i)
    await queue.put(-1)
    assert.deepEqual(
      await taken,
      Array.from({ length: 100 }, (_, i) => i)
    )
  })

  test('wakes who waits, blocking or not, when another process puts', async () => {
    const queue = new Queue<string>()
    const event = new Event()
    const children = startAll([tasks.putLater, queue, 'first', event])
    const waiting = queue.get()
    event.set()
    assert.equal(await waiting, 'first')
    event.clear()
    const more = startAll([tasks.putLater, queue, 'second', event])
    event.set()
    assert.equal(queue.getSync({ timeout: 30_000 }), 'second')
    await joinAll([...children, ...more])
  })

  test('once closed takes nothing more from this process', async () => {
    const queue = new Queue<number>()
    queue.putNowait(1)
    await assert.rejects(queue.joinThread(), ValueError)
    queue.close()
    await queue.joinThread()
    queue.cancelJoinThread()
    await assert.rejects(queue.put(2), ValueError)
    assert.throws(() => queue.putSync(2), ValueError)
    await joinAll(startAll([tasks.produceSync, queue, 0, 1]))
    assert.deepEqual([queue.getNowait(), queue.getNowait()], [1, 0])
  })

  test('refuses sizes that are none', () => {
    for (const maxsize of [1.5, Number.NaN, '3', 2 ** 31]) {
      assert.throws(() => new Queue(maxsize as number), ValueError)
    }
    assert.equal(new Queue(-1).maxsize, 0)
  })

  test('connects siblings and grandchildren', async () => {
    const questions = new SimpleQueue<number>()
    const answers = new Queue<string>()
    const children = startAll(
      [tasks.delegate, questions, answers],
      ...Array.from({ length: 3 }, (): [typeof tasks.answer, ...unknown[]] => [tasks.answer, questions, answers])
    )
    for (let i = 0; i < 4; i++) questions.putSync(i)
    const texts = []
    for (const _ of children) texts.push(await answers.get())
    assert.deepEqual(texts.sort(), ['0 squared', '1 squared', '2 squared', '3 squared'])
    await joinAll(children)
  })
})

describe('a JoinableQueue', { timeout }, () => {
  test('is joined once all its items are done', async () => {
    const queue = new JoinableQueue<number>()
    await queue.join()
    for (let i = 0; i < 100; i++) await queue.put(i)
    await assert.rejects(queue.join({ timeout: 1 }), TimeoutError)
    assert.throws(() => queue.joinSync({ timeout: 1 }), TimeoutError)
    const children = startAll([tasks.finishAll, queue], [tasks.finishAll, queue])
    await queue.put(-1)
    await queue.put(-1)
    await queue.join()
    queue.joinSync()
    assert.equal(queue.qsize(), 0)
    assert.throws(() => queue.taskDone(), ValueError)
    await joinAll(children)
  })
})

describe('a SimpleQueue', { timeout }, () => {
  test('puts and gets until this process closes it', async () => {
    const queue = new SimpleQueue<string>()
    assert.equal(queue.empty(), true)
    const waiting = queue.get()
    await queue.put('a')
    assert.equal(await waiting, 'a')
    queue.putSync('b')
    assert.equal(queue.empty(), false)
    assert.equal(queue.getSync(), 'b')
    queue.close()
    await assert.rejects(queue.put('c'), ValueError)
    await assert.rejects(queue.get(), ValueError)
  })
})
