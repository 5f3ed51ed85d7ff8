/** What `console.log` and `util.inspect` show of shared objects. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import * as module from '../src/index.ts'
import { conform } from './fixtures/conformance/grounds.ts'
import * as tasks from './fixtures/conformance/tasks.ts'
import { limit } from './fixtures/slowness.ts'

conform('inspecting', ({ face, ground, behaviour, pool, start }) => {
  const place = ground === 'threads' ? 'thread' : 'pid'
  const self = `MainProcess (${ground === 'threads' ? 'thread 0' : `pid ${process.pid}`})`
  const show = (object: unknown): string => process.getBuiltinModule('node:util').inspect(object)

  class Kept extends face.Lock {}

  const held = <L extends { acquireSync(): unknown }>(lock: L, times = 1): L => {
    for (let i = 0; i < times; i++) lock.acquireSync()
    return lock
  }
  const change = <T>(object: T, apply: (object: T) => unknown): T => {
    apply(object)
    return object
  }

  /** Each object as it is seen here, and in a worker that got it. */
  const objects: [line: string, make: () => unknown, elsewhere?: string][] = [
    ['Lock { free }', () => new face.Lock()],
    [`Lock { owner: ${self} }`, () => held(new face.Lock())],
    ['RLock { free }', () => new face.RLock()],
    [`RLock { owner: ${self}, count: 2 }`, () => held(new face.RLock(), 2)],
    ['Semaphore { value: 3 }', () => new face.Semaphore(3)],
    ['Semaphore { value: 2 }', () => held(new face.Semaphore(3))],
    ['BoundedSemaphore { value: 1 of 3 }', () => held(new face.BoundedSemaphore(3), 2)],
    ['Condition { lock: RLock { free } }', () => new face.Condition()],
    [`Condition { lock: Lock { owner: ${self} } }`, () => held(new face.Condition(new face.Lock()))],
    ['Event { not set }', () => new face.Event()],
    ['Event { set }', () => change(new face.Event(), event => event.set())],
    ['Barrier { 0 of 5 waiting }', () => new face.Barrier(5)],
    ['Barrier { 0 of 2 waiting, broken }', () => change(new face.Barrier(2), barrier => barrier.abort())],
    ['Value(int32) { 5 }', () => face.Value('i', 5)],
    ['Value(uint64) { 5n }', () => face.Value('Q', 5n)],
    ["Value(char) { 'a' }", () => face.Value('c', 'a')],
    ['RawValue(float64) { 0.5 }', () => face.RawValue('d', 0.5)],
    ['Int16Array(3) [ 1, 2, 3 ]', () => face.Array('h', [1, 2, 3])],
    ['Float32Array(1) [ 0.5 ]', () => face.RawArray('f', [0.5])],
    ['Queue { 0 items }', () => new face.Queue()],
    ['Queue { 2 of 100 }', () => change(new face.Queue(100), queue => [queue.putSync(1), queue.putSync(2)])],
    ['JoinableQueue { 1 item, 1 unfinished }', () => change(new face.JoinableQueue(), queue => queue.putSync(1))],
    ['SimpleQueue { 1 item }', () => change(new face.SimpleQueue(), queue => queue.putSync(1))],
    ['Connection { open, readable, writable }', () => face.Pipe()[0]],
    ['Connection { open, readable }', () => face.Pipe({ duplex: false })[0]],
    ['Connection { open, writable }', () => face.Pipe({ duplex: false })[1]]
  ]

  for (const [line, make] of objects) {
    behaviour(`${line.replaceAll(/ \d+\)/g, ')')}: it is shown so here, and where it was sent to`, async () => {
      const object = make()
      assert.equal(inspect(object), line)
      assert.equal(inspect({ object }, { depth: 5, breakLength: Number.POSITIVE_INFINITY }), `{ object: ${line} }`)
      assert.equal(await pool().apply(show, [object]), line)
    })
  }

  behaviour('the name of a subclass is shown, and an unnamed class has the name of the one that it extends', () => {
    assert.equal(inspect(new Kept()), 'Kept { free }')
    assert.equal(inspect(new (class extends face.Event {})()), 'Event { not set }')
  })

  behaviour('the depth of the inspection is kept', () => {
    const condition = new face.Condition()
    assert.equal(inspect(condition, { depth: 0 }), 'Condition { lock: [RLock] }')
    assert.equal(inspect({ a: { condition } }, { depth: 0 }), '{ a: [Object] }')
    assert.equal(inspect({ condition }, { depth: 0 }), '{ condition: [Condition] }')
    assert.equal(inspect(condition, { depth: null }), 'Condition { lock: RLock { free } }')
  })

  behaviour('a lock tells which child has it, and that its owner is dead', async () => {
    const lock = new face.Lock()
    const hasIt = new face.Event()
    const child = start(tasks.holdForEver, lock, hasIt)
    await hasIt.wait()
    assert.equal(inspect(lock), `Lock { owner: ${child.name} (${place} ${child.pid}) }`)
    assert.equal(await pool().apply(show, [lock]), `Lock { owner: ${place} ${child.pid} }`)
    child.kill()
    await child.join()
    assert.match(inspect(lock), /^Lock \{ owner: (?:a (?:process|thread) that is gone|.*, dead\)) \}$/)
  })

  behaviour('a child has the names of itself and of its parent', async () => {
    const own = (lock: { acquireSync(): unknown; release(): void }) => {
      lock.acquireSync()
      const { name, pid } = face.currentProcess()
      const shown = process.getBuiltinModule('node:util').inspect(lock)
      lock.release()
      return [shown, name, pid]
    }
    const [shown, name, pid] = await pool().apply(own, [new face.Lock()])
    assert.equal(shown, `Lock { owner: ${name} (${place} ${pid}) }`)
  })

  behaviour('a barrier tells how many wait', async () => {
    const barrier = new face.Barrier(3)
    const waits = [barrier.wait(), barrier.wait()]
    assert.equal(inspect(barrier), 'Barrier { 2 of 3 waiting }')
    await Promise.all([...waits, barrier.wait()])
    assert.equal(inspect(barrier), 'Barrier { 0 of 3 waiting }')
  })

  behaviour('a process tells its state', async () => {
    const child = new face.Process({ name: 'X', target: tasks.exit, args: [3], daemon: true })
    assert.equal(inspect(child), 'Process { X, daemon, initial }')
    child.start()
    const { pid } = child
    assert.equal(inspect(child), `Process { X, daemon, ${place} ${pid}, started }`)
    await child.join()
    assert.equal(inspect(child), `Process { X, daemon, ${place} ${pid}, stopped, exitcode 3 }`)
    child.close()
    assert.equal(inspect(child), 'Process { X, daemon, closed }')
    assert.equal(inspect(new face.Process({ name: 'a\x1b[2J\nb' })), 'Process { a\\u{1b}[2J\\u{a}b, initial }')
    assert.equal(inspect(face.currentProcess()), `Process { MainProcess, pid ${process.pid}, this process }`)
    const own = () => {
      const process = globalThis.process.getBuiltinModule('node:util').inspect(face.currentProcess())
      const parent = globalThis.process.getBuiltinModule('node:util').inspect(face.parentProcess())
      return [process, parent, face.currentProcess().pid]
    }
    const [shown, parent, workerPid] = await pool().apply(own)
    assert.match(String(shown), new RegExp(`, daemon, ${place} ${workerPid}, this process \\}$`))
    assert.match(String(parent), new RegExp(`^Process \\{ MainProcess, ${place} \\d+, the parent \\}$`))
  })

  behaviour('a pool and its results tell their state', async () => {
    const own = new face.Pool(1)
    assert.equal(inspect(own), 'Pool { processes: 1, open }')
    const done = own.applyAsync(tasks.identity, [1])
    const failed = own.applyAsync(tasks.fail, ['no'])
    assert.equal(inspect(done), 'AsyncResult { pending }')
    await done
    await failed.catch(() => {})
    assert.deepEqual([inspect(done), inspect(failed)], ['AsyncResult { done }', 'AsyncResult { failed }'])
    own.close()
    assert.equal(inspect(own), 'Pool { processes: 1, closed }')
    own.terminate()
    await own.join()
    assert.equal(inspect(own), 'Pool { processes: 1, terminated }')
  })

  behaviour('a manager and its proxies tell their state without asking the server', async () => {
    const manager = new face.SyncManager()
    assert.equal(inspect(manager), 'SyncManager { initial }')
    await manager.start()
    const dict = await manager.dict()
    assert.match(inspect(manager), /^SyncManager \{ at (?:pid|thread) \d+, started \}$/)
    assert.match(inspect(dict), /^DictProxy \{ dict, id \d+, at (?:pid|thread) \d+ \}$/)
    await manager.shutdown()
    assert.match(inspect(manager), /^SyncManager \{ at (?:pid|thread) \d+, stopped \}$/)
    assert.match(inspect(dict), /^DictProxy \{ dict, id \d+, at (?:pid|thread) \d+ \}$/)
  })

  behaviour("an imap's iterator tells how many results have come", async () => {
    const own = pool()
    const iterator = own.imap(tasks.identity, [1, 2, 3])
    while ((await iterator.next()).done !== true);
    assert.equal(inspect(iterator), 'IMapIterator { 3 of 3 }')
    const endless = own.imapUnordered(
      tasks.identity,
      (function* () {
        for (;;) yield 1
      })(),
      { buffersize: 2 }
    )
    await endless.next()
    assert.match(inspect(endless), /^IMapIterator \{ [12] of [23] or more \}$/)
    await endless.return()
    assert.match(inspect(endless), /^IMapIterator \{ \d+ of \d+, stopped \}$/)
  })

  behaviour("a manager's own server tells where it is, and whether it serves", async () => {
    const server = new face.SyncManager({ authkey: 'a key' }).getServer()
    assert.match(inspect(server), /^ManagerServer \{ at [^ ]+(?: \d+)?, new \}$/)
    const ended = server.serveForever()
    assert.match(inspect(server), /, serving \}$/)
    await server.stop()
    await ended
    assert.match(inspect(server), /, stopped \}$/)
  })

  behaviour('closed objects are shown as closed', () => {
    const queue = new face.Queue(7)
    queue.putSync(1)
    queue.close()
    assert.equal(inspect(queue), 'Queue { 1 of 7, closed }')
    const simple = new face.SimpleQueue()
    simple.close()
    assert.equal(inspect(simple), 'SimpleQueue { 0 items, closed }')
    const [end] = face.Pipe()
    end.close()
    assert.equal(inspect(end), 'Connection { closed }')
  })

  behaviour('objects without state, and Proxies of others, are shown without one', () => {
    for (const name of [
      'Lock',
      'RLock',
      'Semaphore',
      'Condition',
      'Event',
      'Barrier',
      'Queue',
      'SimpleQueue',
      'Process',
      'Pool'
    ] as const) {
      assert.equal(inspect(Object.create(face[name].prototype)), `${name} {}`)
    }
    assert.equal(inspect(new Proxy(new face.Event(), {})), 'Event {}')
  })
})

const { Listener, SharedMemory, ShareableList } = module

test('a Listener is shown with its address', { timeout: 30_000 }, async () => {
  const listener = new Listener({ host: '127.0.0.1', port: 0 }, { authkey: 'a key' })
  const { port } = listener.address as { port: number }
  assert.equal(inspect(listener), `Listener { at 127.0.0.1:${port}, listening }`)
  await listener.close()
  assert.equal(inspect(listener), `Listener { at 127.0.0.1:${port}, closed }`)
})

test('named shared memory is shown with its name and size, and a list with its items', {
  timeout: limit(30_000)
}, t => {
  if (process.platform !== 'linux') return t.skip('named memory is a file of Linux')
  const shm = new SharedMemory({ create: true, size: 4096 })
  const list = new ShareableList([1, 'a', null])
  try {
    assert.equal(inspect(shm), `SharedMemory { name: '${shm.name}', size: 4096 }`)
    assert.equal(inspect(list), "ShareableList [ 1, 'a', null ]")
    assert.equal(inspect({ list }, { depth: 0 }), '{ list: [ShareableList] }')
  } finally {
    shm.unlink()
    list.shm.unlink()
    shm.close()
    list.shm.close()
  }
  assert.equal(inspect(shm), `SharedMemory { name: '${shm.name}', closed }`)
  assert.equal(inspect(list), `ShareableList { name: '${list.shm.name}', closed }`)
})
