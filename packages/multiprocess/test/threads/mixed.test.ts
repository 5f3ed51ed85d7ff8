/** What processes share, in threads of one of them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { currentFamily } from '../../src/ground/family.ts'
import * as processes from '../../src/index.ts'
import * as threads from '../../src/threads.ts'
import { descriptorCount, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'
import {
  blockOn,
  counter,
  echo,
  holdAndEnd,
  holdAndSpin,
  makeAll,
  receiveFrom,
  startOne,
  takeTurns
} from '../fixtures/threads/mixed.ts'

const timeout = limit(60_000)

test('a lock of processes excludes threads and processes alike', { timeout }, async () => {
  const lock = new processes.Lock()
  const value = processes.Value('i', 0, { lock: false })
  const workers = [
    ...[1, 2].map(() => new threads.Process({ target: counter, args: [lock, value, 2000] })),
    new processes.Process({ target: counter, args: [lock, value, 2000] })
  ]
  for (const worker of workers) worker.start()
  await counter(lock, value, 100)
  for (const worker of workers) await worker.join()
  assert.deepEqual(
    workers.map(({ exitcode }) => exitcode),
    [0, 0, 0]
  )
  assert.equal(value.value, 6100)
})

test('locks of processes arrive in a thread as the same locks, of the class of processes', { timeout }, async () => {
  await using pool = new threads.Pool(2)
  const array = processes.Array('i', [1, 2, 3])
  const queue = new processes.Queue<number>()
  const event = new processes.Event()
  const [here, there] = processes.Pipe<string>()
  const answers = await pool.apply(
    async (array: Int32Array, queue: processes.Queue<number>, end: processes.Connection<string>) => {
      array[1] = 20
      await queue.put(5)
      queue.putSync(6)
      await end.send(`${queue instanceof processes.Queue} ${queue instanceof threads.Queue}`)
      return array
    },
    [array, queue, there]
  )
  assert.equal(answers, array)
  assert.deepEqual([...array], [1, 20, 3])
  assert.deepEqual([await queue.get(), queue.getSync()], [5, 6])
  assert.equal(await here.recv(), 'true false')
  const waits = [event.wait(), ...[1, 2].map(() => pool.apply((event: processes.Event) => event.wait(), [event]))]
  event.set()
  assert.deepEqual(await Promise.all(waits), [true, true, true])
})

describe('a pipe and queues of processes between', () => {
  for (const face of [threads, processes] as const) {
    test(`a pipe and queues of processes work between a thread and ${face === threads ? 'another thread' : 'a child process'}`, {
      timeout
    }, async () => {
      const requests = new processes.Queue<number | null>(4)
      const results = new processes.SimpleQueue<number>()
      const worker = new face.Process({ target: echo, args: [requests, results] })
      const reader = new threads.Process({ target: receiveFrom, args: [results, requests, 500] })
      worker.start()
      reader.start()
      await Promise.all([worker.join(), reader.join()])
      assert.deepEqual([worker.exitcode, reader.exitcode], [0, 0])
    })
  }
})

test('a semaphore, a condition and a barrier of processes connect threads', { timeout }, async () => {
  const semaphore = new processes.BoundedSemaphore(1)
  const condition = new processes.Condition()
  const barrier = new processes.Barrier(3)
  const turns = processes.Value('i', 0)
  const workers = [threads, processes].map(
    ({ Process }, mine) => new Process({ target: takeTurns, args: [semaphore, condition, barrier, turns, mine] })
  )
  for (const worker of workers) worker.start()
  await barrier.wait()
  await barrier.wait()
  for (const worker of workers) await worker.join()
  assert.deepEqual(
    workers.map(({ exitcode }) => exitcode),
    [0, 0]
  )
  assert.equal(turns.value, 20)
})

test('what a thread creates for processes is available to its parent and to a process', { timeout }, async () => {
  await using pool = new threads.Pool(1)
  const [queue, value] = await pool.apply(makeAll)
  const child = new processes.Process({
    target: (queue: processes.Queue<string>) => queue.put('from a process'),
    args: [queue]
  })
  child.start()
  assert.equal(await queue.get(), 'from a process')
  assert.equal(value.value, 7)
  await child.join()
})

test('a thread that ends, or is ended, while it holds a lock of processes leaves it to the next thread', {
  timeout
}, async () => {
  for (const target of [holdAndEnd, holdAndSpin]) {
    for (const isBlocking of [true, false]) {
      const lock = new processes.Lock()
      const isHeld = new processes.Event()
      const child = new threads.Process({ target, args: [lock, isHeld] })
      child.start()
      await isHeld.wait()
      child.terminate()
      // A blocked parent can't hear of its end, and takes it for dead all the same.
      const acquire = () => (isBlocking ? lock.acquireSync() : lock.acquire())
      await assert.rejects(async () => acquire(), processes.OwnerDiedError)
      assert.equal(lock.locked, true)
      lock.release()
      await child.join()
    }
  }
})

test('a thread that is ended in a wait blocks no other thread', { timeout }, async () => {
  const lock = new processes.Lock()
  const queue = new processes.Queue<number>()
  const children = Array.from(
    { length: 3 },
    (_, i) => new threads.Process({ target: blockOn, args: [lock, queue, i === 0] })
  )
  lock.acquireSync()
  for (const child of children) child.start()
  for (const _ of children) assert.equal(await queue.get(), -1)
  for (const child of children) child.terminate()
  for (const child of children) await child.join()
  lock.release()
  assert.equal(await lock.acquire({ timeout: limit(5000) }), true)
})

test('threads give back their slots among processes', { timeout }, async () => {
  const { table } = currentFamily('spawn')
  const before = [...table.members()].length
  const descriptors = descriptorCount()
  const lock = new processes.Lock()
  for (let round = 0; round < 4; round++) {
    const value = processes.Value('i', 0, { lock: false })
    const children = [1, 2, 3].map(() => new threads.Process({ target: counter, args: [lock, value, 10] }))
    for (const child of children) child.start()
    if (round % 2 === 0) children[0].terminate()
    for (const child of children) await child.join()
  }
  assert.equal([...table.members()].length, before)
  // Threads that were stopped may be about to close theirs.
  await until(() => descriptorCount() <= descriptors, 'all descriptors closed')
})

test('several threads at once may be the first to need what processes share', { timeout }, async () => {
  const program = fileURLToPath(new URL('../fixtures/threads/first-in-a-thread.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout })
  assert.equal(stdout, '0 1,2,1,2,1,2\n')
})

test('a process that a thread starts belongs to the same family', { timeout }, async () => {
  await using pool = new threads.Pool(1)
  const queue = new processes.Queue<string>()
  assert.equal(await pool.apply(startOne, [queue]), 0)
  assert.equal(await queue.get(), 'a child of a thread')
})
