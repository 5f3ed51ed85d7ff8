import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as processes from 'multiprocess'
import * as threads from 'multiprocess/threads'
import { limit } from './fixtures/slowness.ts'
import { nameOfContext, square, where } from './fixtures/threads/tasks.ts'

const timeout = limit(30_000)
const FACES = { spawn: processes, thread: threads } as const

test('a context has every name of its module, and the same things under them', () => {
  for (const [method, face] of Object.entries(FACES)) {
    const context = processes.getContext(method as processes.StartMethod)
    assert.equal(context.method, method)
    assert.deepEqual(Object.keys(context).sort(), [...Object.keys(face), 'method'].sort())
    for (const [name, value] of Object.entries(face)) {
      assert.equal(context[name as keyof processes.Context], value, name)
    }
  }
})

test('a module and a context return their own start method unless they are asked for another', () => {
  const own = processes.getContext()
  assert.equal(own, processes.getContext('spawn'))
  assert.equal(threads.getContext(), processes.getContext('thread'))
  assert.equal(threads.getContext('spawn'), own)
  assert.equal(processes.getContext('thread').getContext(), threads.getContext())
  assert.deepEqual([processes.getStartMethod(), threads.getStartMethod()], ['spawn', 'thread'])
  assert.deepEqual(processes.getAllStartMethods(), ['spawn', 'thread'])
})

test('an unknown start method is refused by name', () => {
  for (const method of ['fork', 'forkserver', '', null, 1]) {
    assert.throws(
      () => processes.getContext(method as never),
      error => error instanceof processes.ValueError && error.message.includes(String(method))
    )
    assert.throws(() => new processes.Pool(1, { context: { method } as never }), processes.ValueError)
  }
  assert.throws(() => new processes.Pool(1, { context: 'thread' as never }), TypeError)
  assert.throws(() => new processes.Pool(1, { context: null as never }), TypeError)
})

test('a pool has workers of the context that it was passed', { timeout }, async () => {
  await using pool = new processes.Pool(1, { context: processes.getContext('thread') })
  assert.equal((await pool.apply(where)).pid, process.pid)
  await using other = new threads.Pool({ processes: 1, context: threads.getContext('spawn') })
  assert.notEqual((await other.apply(where)).pid, process.pid)
})

test('a process of a context runs where its start method says', { timeout }, async () => {
  for (const method of processes.getAllStartMethods()) {
    const context = processes.getContext(method)
    const [theirs, ours] = context.Pipe<{ pid: number }>()
    const child = new context.Process({
      target: (end: typeof theirs, fn: typeof where) => end.send(fn()),
      args: [theirs, where]
    })
    child.start()
    const { pid } = await ours.recv()
    assert.equal(pid === process.pid, method === 'thread')
    await child.join()
  }
})

/** One of each class that both faces have. */
function instances({
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Lock,
  Queue,
  RLock,
  Semaphore,
  SimpleQueue
}: processes.Context) {
  return {
    Barrier: new Barrier(2),
    BoundedSemaphore: new BoundedSemaphore(1),
    Condition: new Condition(),
    Event: new Event(),
    JoinableQueue: new JoinableQueue(),
    Lock: new Lock(),
    Queue: new Queue(),
    RLock: new RLock(),
    Semaphore: new Semaphore(),
    SimpleQueue: new SimpleQueue()
  }
}

type Name = keyof ReturnType<typeof instances>

/** What extends what: a name, and those that its instances are instances of as well. */
const ALSO: Partial<Record<Name, readonly Name[]>> = {
  BoundedSemaphore: ['Semaphore', 'Lock'],
  Condition: ['Lock'],
  JoinableQueue: ['Queue'],
  RLock: ['Lock'],
  Semaphore: ['Lock']
}

/** Names of the classes that the object of each name is an instance of. */
export function classesOf(context: processes.Context, objects: Record<string, object>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(objects).map(([name, object]) => [
      name,
      Object.keys(objects).filter(other => object instanceof context[other as Name])
    ])
  )
}

const expected = (objects: object) =>
  Object.fromEntries(Object.keys(objects).map(name => [name, [name, ...(ALSO[name as Name] ?? [])].sort()]))

test('an instance is one of its class, of the classes that it extends, and of the same classes over processes', () => {
  const spawned = instances(processes.getContext('spawn'))
  const threaded = instances(processes.getContext('thread'))
  assert.deepEqual(classesOf(processes.getContext('spawn'), spawned), expected(spawned))
  assert.deepEqual(classesOf(processes.getContext('thread'), threaded), expected(threaded))
  assert.deepEqual(classesOf(processes.getContext('spawn'), threaded), expected(threaded))
  const none = Object.fromEntries(Object.keys(spawned).map(name => [name, []]))
  assert.deepEqual(classesOf(processes.getContext('thread'), spawned), none)
  for (const object of [null, undefined, 1, {}, Object.create(null)])
    assert.equal((object as unknown) instanceof threads.Lock, false)
})

test('a subclass of a bound class has only its own instances', () => {
  class Mine extends threads.Lock {}
  const mine = new Mine()
  assert.ok(mine instanceof Mine && mine instanceof threads.Lock && mine instanceof processes.Lock)
  assert.equal(new threads.Lock() instanceof Mine, false)
  assert.equal(threads.Lock.name, 'Lock')
})

test('a received object has the class of its start method', { timeout }, async () => {
  for (const method of processes.getAllStartMethods()) {
    const context = processes.getContext(method)
    const objects = instances(context)
    await using pool = new context.Pool(1)
    assert.deepEqual(await pool.apply(classesOf, [context, objects]), expected(objects), method)
    // The lock of a condition is of its start method too.
    const isLock = (context: processes.Context, condition: processes.Condition) =>
      condition.lock instanceof context.RLock
    assert.equal(await pool.apply(isLock, [context, objects.Condition]), true)
    const array = context.Array('i', 1)
    const isGuarded = (context: processes.Context, array: processes.SharedArray<'i'>) =>
      array.getLock() instanceof context.RLock
    assert.equal(await pool.apply(isGuarded, [context, array]), true)
  }
})

test('a context crosses as itself, and so do its classes and functions', { timeout }, async () => {
  for (const method of processes.getAllStartMethods()) {
    const context = processes.getContext(method)
    const { Lock, Queue, getContext, Value } = context
    await using pool = new context.Pool(1)
    assert.equal(await pool.apply(nameOfContext, [context]), method)
    assert.equal(await pool.apply(() => getContext() === context && context.Lock === Lock), true)
    assert.equal(await pool.apply(() => new Lock() instanceof context.Lock), true)
    const [queue, value] = await pool.apply(() => [new Queue<number>(2), Value('i', 7)] as const)
    assert.equal(queue instanceof context.Queue, true)
    assert.equal(value.value, 7)
  }
})

test('the current process of a thread is a Process over threads', { timeout }, async () => {
  await using pool = new threads.Pool(1)
  const { Process, currentProcess, parentProcess } = threads
  assert.equal(await pool.apply(() => currentProcess() instanceof Process && parentProcess() instanceof Process), true)
  assert.equal(processes.currentProcess() instanceof Process, false)
})

test('the types let a class of a context be named and extended, and be generic', () => {
  const context: processes.Context = threads.getContext()
  const queue: processes.Queue<number> = new context.Queue<number>(3)
  const other: threads.Queue<number> = queue
  class Twice extends context.Process<[number]> {
    override run(): number {
      return square(2)
    }
  }
  const child: threads.Process<[number]> = new Twice({ args: [2] })
  // @ts-expect-error: a queue of numbers takes no text
  assert.throws(() => queue.putNowait(Symbol('text')))
  assert.equal(other.maxsize, 3)
  assert.equal(child.run(), 4)
})
