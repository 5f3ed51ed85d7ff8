/** `multiprocessing.Queue`. */
import assert from 'node:assert/strict'
import { WINDOW_BYTES } from '../../src/ground/arena/layout.ts'
import type { Queue } from '../../src/index.ts'
import * as channel from '../fixtures/channel/tasks.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/conformance/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const ITEMS = Number(process.env.MULTIPROCESS_TEST_RUNS ?? 2000)

/** Every item of every producer once, and those of one producer in their order wherever they went. */
function checkTaken(taken: readonly number[][], producers: number, count: number): void {
  const all = taken.flat().sort((a, b) => a - b)
  assert.equal(all.length, producers * count)
  all.forEach((item, i) => {
    assert.equal(item, Math.floor(i / count) * channel.STRIDE + (i % count))
  })
  for (const items of taken) {
    const last = new Map<number, number>()
    for (const item of items) {
      const producer = Math.floor(item / channel.STRIDE)
      assert.ok((last.get(producer) ?? -1) < item, `${item} came after ${last.get(producer)}`)
      last.set(producer, item)
    }
  }
}

conform('Queue', ({ face, behaviour, pool, start }) => {
  const { Empty, Event, Full, Lock, Queue, SerializationError, SimpleQueue, ValueError } = face

  behaviour('one process gets the items that another process puts', async () => {
    const queue = new Queue<unknown>()
    await pool().apply(tasks.call, [queue, 'putSync', { a: [1] }])
    assert.deepEqual(await queue.get(), { a: [1] })
    queue.putSync('back')
    assert.equal(await pool().apply(tasks.call, [queue, 'getSync']), 'back')
  })

  behaviour('items are received in the order in which they were put', async () => {
    const queue = new Queue<unknown>()
    const items = [1, 'two', { three: [4n] }, undefined, new Map([[5, new Date(6)]]), 'x'.repeat(100_000)]
    for (const item of items) await queue.put(item)
    for (const item of items) assert.deepEqual(await queue.get(), item)
  })

  behaviour('qsize() returns the exact number of items', async () => {
    const queue = new Queue<number>()
    assert.equal(queue.qsize(), 0)
    for (let i = 0; i < 3; i++) queue.putNowait(i)
    assert.equal(queue.qsize(), 3)
    assert.equal(await pool().apply(tasks.call, [queue, 'qsize']), 3)
    queue.getNowait()
    assert.equal(queue.qsize(), 2)
  })

  behaviour('empty() returns true if the queue is empty, and false otherwise', () => {
    const queue = new Queue<number>()
    assert.equal(queue.empty(), true)
    queue.putNowait(1)
    assert.equal(queue.empty(), false)
    queue.getNowait()
    assert.equal(queue.empty(), true)
  })

  behaviour('full() returns true if the queue is full, and false otherwise', () => {
    const queue = new Queue<number>(2)
    queue.putNowait(1)
    assert.equal(queue.full(), false)
    queue.putNowait(2)
    assert.equal(queue.full(), true)
    queue.getNowait()
    assert.equal(queue.full(), false)
  })

  behaviour('full() and empty() tell the state in which other processes left the queue', async () => {
    const queue = new Queue<number>(8)
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 8; i++) queue.putNowait(i)
      assert.throws(() => queue.putNowait(8), Full)
      assert.equal(queue.getNowait(), 0)
      assert.deepEqual(await pool().apply(channel.takeSync, [queue, 7]), [1, 2, 3, 4, 5, 6, 7])
      assert.throws(() => queue.getNowait(), Empty)
      await pool().apply(channel.produceSync, [queue, 0, 3])
      for (let i = 3; i < 8; i++) queue.putNowait(i)
      assert.throws(() => queue.putNowait(8), Full)
      assert.deepEqual(channel.takeSync(queue, 8), [0, 1, 2, 3, 4, 5, 6, 7])
      assert.throws(() => queue.getNowait(), Empty)
    }
  })

  behaviour('full() of a queue without a limit is always false', () => {
    const queue = new Queue<number>()
    for (let i = 0; i < 100; i++) queue.putNowait(i)
    assert.equal(queue.full(), false)
  })

  behaviour('a maxsize of 0 or less sets no limit', () => {
    assert.equal(new Queue().maxsize, 0)
    assert.equal(new Queue(-1).maxsize, 0)
    assert.equal(new Queue(3).maxsize, 3)
  })

  behaviour('a maxsize that is not an integer raises ValueError, and one that is not a number TypeError', () => {
    for (const maxsize of [1.5, Number.NaN, 2 ** 31]) {
      assert.throws(() => new Queue(maxsize), ValueError)
    }
    const message = /^maxsize must be an integer from -\d+ to \d+, got '3' \(a string\)$/
    assert.throws(() => new Queue('3' as never), { name: 'TypeError', message })
  })

  behaviour('put() blocks until a free slot is available', async () => {
    const queue = new Queue<number>(1)
    queue.putNowait(1)
    const putting = pool().apply(tasks.call, [queue, 'putSync', 2])
    const waiting = queue.put(3)
    assert.equal(await queue.get(), 1)
    assert.deepEqual([await queue.get(), await queue.get()].sort(), [2, 3])
    await Promise.all([putting, waiting])
  })

  behaviour('put() raises Full if no slot is free within its timeout', async () => {
    const queue = new Queue<number>(1)
    queue.putNowait(1)
    await assert.rejects(queue.put(2, { timeout: 5 }), Full)
    assert.throws(() => queue.putSync(2, { timeout: 5 }), Full)
    assert.equal(queue.qsize(), 1)
  })

  behaviour('putNowait() raises Full at once', () => {
    const queue = new Queue<number>(1)
    queue.putNowait(1)
    assert.throws(() => queue.putNowait(2), Full)
  })

  behaviour('putNowait() passes no put() of this process that waits', async () => {
    const queue = new Queue<number>(1)
    queue.putNowait(1)
    const waiting = [queue.put(2), queue.put(3)]
    assert.throws(() => queue.putNowait(4), Full)
    for (const expected of [1, 2, 3]) assert.equal(await queue.get(), expected)
    await Promise.all(waiting)
  })

  behaviour('put() raises ValueError if the queue is closed', async () => {
    const queue = new Queue<number>()
    queue.close()
    await assert.rejects(queue.put(1), ValueError)
    assert.throws(() => queue.putSync(1), ValueError)
    assert.throws(() => queue.putNowait(1), ValueError)
  })

  behaviour('waiting puts keep their order if one of them gives up', async () => {
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
  })

  behaviour('put() whose signal is already aborted rejects with the reason, and puts nothing', async () => {
    const queue = new Queue<number>()
    const reason = new Error('enough')
    await assert.rejects(queue.put(9, { signal: AbortSignal.abort(reason) }), reason)
    assert.equal(queue.qsize(), 0)
  })

  behaviour('get() blocks until an item is available', async () => {
    const queue = new Queue<string>()
    const waiting = queue.get()
    await pool().apply(tasks.call, [queue, 'putSync', 'first'])
    assert.equal(await waiting, 'first')
    const other = pool().apply(tasks.call, [queue, 'getSync'])
    queue.putSync('second')
    assert.equal(await other, 'second')
  })

  behaviour('getSync() wakes when another process puts an item, although this event loop stands still', async () => {
    const queue = new Queue<string>()
    const event = new Event()
    const putting = pool().apply(channel.putLater, [queue as Queue<unknown>, 'late', event])
    event.set()
    assert.equal(queue.getSync({ timeout: limit(30_000) }), 'late')
    await putting
  })

  behaviour('get() raises Empty if no item arrives within its timeout', async () => {
    const queue = new Queue<number>()
    await assert.rejects(queue.get({ timeout: 5 }), Empty)
    assert.throws(() => queue.getSync({ timeout: 5 }), Empty)
    await assert.rejects(queue.get({ timeout: 0 }), Empty)
  })

  behaviour('getNowait() raises Empty at once', () => {
    assert.throws(() => new Queue().getNowait(), Empty)
  })

  behaviour('another process catches Empty and Full as what they are', async () => {
    const queue = new Queue<number>(1)
    await assert.rejects(pool().apply(tasks.call, [queue, 'getNowait']), Empty)
    queue.putNowait(1)
    await assert.rejects(pool().apply(tasks.call, [queue, 'putNowait', 2]), Full)
  })

  behaviour('get() whose signal is aborted rejects with the reason, and takes nothing', async () => {
    const queue = new Queue<number>()
    const reason = new Error('enough')
    await assert.rejects(queue.get({ signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const aborted = queue.get({ signal: controller.signal })
    const other = queue.get()
    controller.abort(reason)
    await assert.rejects(aborted, reason)
    queue.putNowait(7)
    assert.equal(await other, 7)
  })

  behaviour('a timeout that is not a number of milliseconds is refused', async () => {
    const queue = new Queue<number>()
    await assert.rejects(queue.get({ timeout: Number.NaN }), RangeError)
    assert.throws(() => queue.getSync({ timeout: '5' as never }), TypeError)
    await assert.rejects(queue.put(1, { timeout: Number.NaN }), RangeError)
    assert.equal(queue.qsize(), 0)
  })

  behaviour('put() of an item that cannot be sent raises, tells where, and puts nothing', async () => {
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

  behaviour('an item arrives as it was when it was put, even if it waited for room', async () => {
    const queue = new Queue<number[]>(1)
    const item = [1]
    await queue.put(item)
    const waiting = queue.put(item)
    item.push(2)
    assert.deepEqual(await queue.get(), [1])
    await waiting
    assert.deepEqual(await queue.get(), [1])
  })

  behaviour('an item that is changed after get() changes nothing elsewhere', async () => {
    const queue = new Queue<number[]>()
    const item = [1]
    queue.putNowait(item)
    queue.getNowait().push(2)
    assert.deepEqual(item, [1])
  })

  behaviour('an item can have any length, from nothing to many megabytes', async () => {
    const queue = new Queue<Uint8Array>()
    const lengths = [0, 1, 1000, 16_379, 16_380, 16_381, 16_385, 65_535, 65_536, 1_000_003, 16_777_216, 5]
    const putting = pool().apply(channel.putBytes, [queue, lengths])
    for (const length of lengths) {
      const bytes = await queue.get()
      assert.equal(bytes.length, length)
      assert.ok(bytes.every(byte => byte === (length & 0xff)))
    }
    await putting
  })

  behaviour('an item can be longer than the part of the arena that is mapped at a time', () => {
    const queue = new Queue<Uint8Array>()
    const bytes = Buffer.alloc(WINDOW_BYTES + 1, 'some bytes')
    queue.putNowait(bytes)
    assert.ok(bytes.equals(queue.getNowait()))
  })

  behaviour('locks, the queue itself and functions can be put into a queue', async () => {
    const queue = new Queue<unknown>()
    const lock = new Lock()
    await queue.put([lock, queue, channel.consume])
    const [sameLock, sameQueue, fn] = (await queue.get()) as unknown[]
    assert.equal(sameLock, lock)
    assert.equal(sameQueue, queue)
    assert.equal(fn, channel.consume)
    const captured = 41
    await queue.put((n: number) => captured + n)
    assert.equal(((await queue.get()) as (n: number) => number)(1), 42)
  })

  behaviour('a queue reaches another process inside a message of a queue', async () => {
    const queue = new Queue<unknown>()
    const inner = new Queue<string>()
    queue.putNowait({ inner })
    const { inner: same } = (await pool().apply(tasks.call, [queue, 'getSync'])) as { inner: unknown }
    assert.equal(same, inner)
  })

  behaviour('a process can be joined before its items are taken, without a deadlock', async () => {
    const queue = new Queue<Uint8Array>()
    const child = start(channel.putBytes, queue, [5_000_000, 7, 100_000])
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.equal(queue.qsize(), 3)
    for (const length of [5_000_000, 7, 100_000]) assert.equal(queue.getSync().length, length)
  })

  behaviour('after close() this process puts nothing more; other processes go on, and items stay', async () => {
    const queue = new Queue<number>()
    queue.putNowait(1)
    queue.close()
    await pool().apply(tasks.call, [queue, 'putSync', 2])
    assert.deepEqual([queue.getNowait(), queue.getNowait()], [1, 2])
  })

  behaviour('joinThread() can be called only after close()', async () => {
    const queue = new Queue<number>()
    await assert.rejects(queue.joinThread(), ValueError)
    queue.close()
    await queue.joinThread()
  })

  behaviour('cancelJoinThread() loses nothing, because a process never waits for its queues at its end', async () => {
    const queue = new Queue<number>()
    await pool().apply(tasks.callAll, [queue, ['putSync', 1], ['cancelJoinThread']])
    assert.equal(queue.getNowait(), 1)
  })

  behaviour('a loop over a queue takes items as they arrive', async () => {
    const queue = new Queue<number>(5)
    const taken = pool().apply(channel.consumeByLoop, [queue])
    for (let i = 0; i < 50; i++) await queue.put(i)
    await queue.put(-1)
    assert.deepEqual(
      await taken,
      Array.from({ length: 50 }, (_, i) => i)
    )
  })

  behaviour('siblings and grandchildren share a queue', async () => {
    const questions = new SimpleQueue<number>()
    const answers = new Queue<string>()
    const child = start(tasks.runInChild, face.Process, channel.answer, questions, answers)
    const asked = pool().apply(channel.answer, [questions, answers])
    questions.putSync(0)
    questions.putSync(1)
    assert.deepEqual([await answers.get(), await answers.get()].sort(), ['0 squared', '1 squared'])
    await asked
    await child.join()
    assert.equal(child.exitcode, 0)
  })

  for (const [name, make] of [
    ['a Queue', () => new Queue<number>()],
    ['a Queue of 10 items at the most', () => new Queue<number>(10)],
    ['a SimpleQueue', () => new SimpleQueue<number>()]
  ] as const) {
    behaviour(`4 producers and 4 consumers: ${name} hands every item to exactly one consumer`, async () => {
      const queue = make() as Queue<number>
      const consumers = [channel.consume, channel.consumeSync, channel.consume, channel.consumeSync].map(consume =>
        pool(8).apply(consume as typeof channel.consume, [queue])
      )
      // What fails first is what is told.
      for (const consumer of consumers) consumer.catch(() => {})
      const producers = [channel.produce, channel.produceSync, channel.produceAtOnce, channel.produceSync]
      await Promise.all(
        producers.map((produce, n) => pool(8).apply(produce as typeof channel.produce, [queue, n, ITEMS]))
      )
      for (const _ of consumers) await queue.put(-1)
      checkTaken(await Promise.all(consumers), 4, ITEMS)
      assert.equal(queue.empty(), true)
    })
  }
})

conform('JoinableQueue', ({ face, behaviour, pool }) => {
  const { JoinableQueue, TimeoutError, ValueError } = face

  behaviour('a JoinableQueue is a Queue with taskDone() and join()', async () => {
    const queue = new JoinableQueue<number>(1)
    assert.ok(queue instanceof face.Queue)
    queue.putNowait(1)
    assert.equal(queue.full(), true)
    assert.equal(await pool().apply(tasks.call, [queue, 'getSync']), 1)
  })

  behaviour('join() of a queue that never had an item resolves at once', async () => {
    const queue = new JoinableQueue<number>()
    await queue.join()
    queue.joinSync()
  })

  behaviour('join() blocks until all items have been taken and processed', async () => {
    const queue = new JoinableQueue<number>()
    for (let i = 0; i < 100; i++) await queue.put(i)
    await assert.rejects(queue.join({ timeout: 1 }), TimeoutError)
    const finishing = [pool().apply(channel.finishAll, [queue]), pool().apply(channel.finishAll, [queue])]
    await queue.put(-1)
    await queue.put(-1)
    await queue.join()
    queue.joinSync()
    assert.equal(queue.qsize(), 0)
    await Promise.all(finishing)
  })

  behaviour(
    'put() raises the count of unfinished tasks and taskDone() lowers it, and get() does not change it',
    async () => {
      const queue = new JoinableQueue<number>()
      queue.putNowait(1)
      queue.getNowait()
      await assert.rejects(queue.join({ timeout: 1 }), TimeoutError)
      assert.throws(() => queue.joinSync({ timeout: 1 }), TimeoutError)
      await pool().apply(tasks.call, [queue, 'taskDone'])
      await queue.join({ timeout: 0 })
    }
  )

  behaviour('taskDone() raises ValueError if it is called more often than items were put', () => {
    const queue = new JoinableQueue<number>()
    assert.throws(() => queue.taskDone(), ValueError)
    queue.putNowait(1)
    queue.taskDone()
    assert.throws(() => queue.taskDone(), ValueError)
  })

  behaviour('taskDone() of the last item wakes every process that joins, here and elsewhere', async () => {
    const queue = new JoinableQueue<number>()
    queue.putNowait(1)
    const joins = [queue.join(), queue.join(), pool().apply(tasks.call, [queue, 'joinSync'])]
    queue.taskDone()
    await Promise.all(joins)
  })

  behaviour('join() whose signal is aborted rejects with the reason', async () => {
    const queue = new JoinableQueue<number>()
    queue.putNowait(1)
    const reason = new Error('enough')
    const controller = new AbortController()
    const joined = queue.join({ signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(joined, reason)
  })
})

conform('SimpleQueue', ({ face, behaviour, pool }) => {
  const { SimpleQueue, SerializationError, ValueError } = face

  behaviour('put() adds an item, and get() removes and returns it', async () => {
    const queue = new SimpleQueue<string>()
    await queue.put('a')
    assert.equal(await queue.get(), 'a')
    queue.putSync('b')
    assert.equal(queue.getSync(), 'b')
  })

  behaviour('items travel between processes in both directions', async () => {
    const queue = new SimpleQueue<unknown>()
    await pool().apply(tasks.call, [queue, 'putSync', [1, 2]])
    assert.deepEqual(queue.getSync(), [1, 2])
    queue.putSync(3)
    assert.equal(await pool().apply(tasks.call, [queue, 'get']), 3)
  })

  behaviour('get() waits for an item', async () => {
    const queue = new SimpleQueue<string>()
    const waiting = queue.get()
    await pool().apply(tasks.call, [queue, 'put', 'late'])
    assert.equal(await waiting, 'late')
  })

  behaviour('empty() returns true if the queue is empty, and false otherwise', () => {
    const queue = new SimpleQueue<string>()
    assert.equal(queue.empty(), true)
    queue.putSync('b')
    assert.equal(queue.empty(), false)
  })

  behaviour('a queue cannot be used after close()', async () => {
    const queue = new SimpleQueue<string>()
    queue.close()
    await assert.rejects(queue.put('c'), ValueError)
    await assert.rejects(queue.get(), ValueError)
    assert.throws(() => queue.putSync('c'), ValueError)
    assert.throws(() => queue.getSync(), ValueError)
    assert.throws(() => queue.empty(), ValueError)
  })

  behaviour('a queue that one process closed is still open for the others', async () => {
    const queue = new SimpleQueue<string>()
    queue.putSync('a')
    queue.close()
    assert.equal(await pool().apply(tasks.call, [queue, 'getSync']), 'a')
  })

  behaviour('put() of an item that cannot be sent raises, and puts nothing', async () => {
    const queue = new SimpleQueue<unknown>()
    await assert.rejects(queue.put(Symbol('only here')), SerializationError)
    assert.equal(queue.empty(), true)
  })
})
