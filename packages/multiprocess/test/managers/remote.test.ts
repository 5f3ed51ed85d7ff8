/** Managers of other programs: addresses, keys, proxies on both sides and in their children, and ends. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { encode } from '../../src/codec/encode.ts'
import {
  AuthenticationError,
  BaseManager,
  type DictProxy,
  defineManager,
  Event,
  Listener,
  type ListProxy,
  type MultiprocessError,
  Queue,
  type QueueProxy,
  SerializationError,
  SyncManager,
  TimeoutError,
  ValueError
} from '../../src/index.ts'
import { connectSocket } from '../../src/socket/connect.ts'
import { begin, GROUNDS, joinAll } from '../fixtures/managers/grounds.ts'
import { freed } from '../fixtures/managers/holding.ts'
import * as tasks from '../fixtures/managers/tasks.ts'
import { randomFrom } from '../fixtures/process/ground.ts'
import { Program, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const authkey = 'abracadabra'
const HOSTILE = Number(process.env.MULTIPROCESS_TEST_RUNS ?? 500)

/** A program that serves a queue, a list and a lock, all the same for everybody who asks; it writes its address. */
const SERVER = `
  import { BaseManager, SyncManager } from '%LIBRARY%'
  import * as objects from '%OBJECTS%'
  class Manager extends SyncManager {}
  Manager.register('Maths', objects.Maths)
  const manager = new Manager({ address: { host: '127.0.0.1', port: 0 }, authkey: '${authkey}' })
  const server = manager.getServer()
  console.log(JSON.stringify(server.address))
  process.on('SIGTERM', () => server.stop())
  await server.serveForever()
  console.log('stopped')
`

async function withServer(use: (address: { host: string; port: number }, program: Program) => Promise<void>) {
  const objects = new URL('../fixtures/managers/objects.js', import.meta.url).href
  await using scratch = await Scratch.create({ 'server.mjs': SERVER.replace('%OBJECTS%', objects) })
  await using program = new Program(scratch.file('server.mjs'))
  const [line] = await program.printed(/\{.*\}\n/)
  await use(JSON.parse(line), program)
}

test('a program uses objects of another program, and so do its children', { timeout }, async () => {
  await withServer(async address => {
    for (const [, library] of GROUNDS) {
      const manager = new library.SyncManager({ address, authkey })
      await manager.connect()
      assert.deepEqual(manager.address, address)
      const dict = await manager.dict<string, unknown>({ a: 1 })
      const list = await manager.list<string>(['first'])
      assert.match(inspect(list), new RegExp(`^ListProxy \\{ list, id \\d+, at 127.0.0.1:${address.port} \\}$`))
      await dict.set('inner', list)
      assert.equal(await dict.get('inner'), list)
      assert.equal(dict.getSync('a'), 1)
      const children = [
        begin(library, tasks.pushTo, dict, 'from the child'),
        begin(library, tasks.setManySync, dict, 'child', 20)
      ]
      await joinAll(children)
      assert.deepEqual(await list.copy(), ['first', 'from the child'])
      assert.equal(await dict.get('child-19'), 19)
      const step = 41
      assert.equal(await dict.compute('a', a => (a as number) + step), 42)
      await using pool = new library.Pool(1)
      assert.equal(await pool.apply(async () => (await list.push('pool')) && list, []), list)
      await assert.rejects(dict.set('memory', new library.Lock()), SerializationError)
      await assert.rejects(list.set(9, ''), RangeError)
      await manager[Symbol.asyncDispose]()
      await assert.rejects(dict.get('a'), ValueError)
    }
  })
})

test('a client registers types without a factory, as in Python', { timeout }, async () => {
  await withServer(async address => {
    class Client extends BaseManager {
      declare Maths: (base: number) => Promise<{
        add(x: number, y: number): Promise<number>
        failSync(): never
        squares(count: number): Promise<AsyncIterable<number>>
      }>
    }
    Client.register('Maths')
    const manager = new Client({ address, authkey: Buffer.from(authkey) })
    await manager.connect()
    const maths = await manager.Maths(10)
    assert.equal(await maths.add(1, 2), 13)
    assert.throws(() => maths.failSync(), { name: 'MathsError', digits: 3 })
    const squares: number[] = []
    for await (const square of await maths.squares(3)) squares.push(square)
    assert.deepEqual(squares, [0, 1, 4])
    await assert.rejects(manager.shutdown(), ValueError)
    await manager[Symbol.asyncDispose]()
  })
})

test('the objects of a remote client are freed when it gives them back, and when it is gone', { timeout }, async () => {
  await using manager = new SyncManager({ address: { host: 'localhost', port: 0 }, authkey })
  await manager.start()
  const other = new SyncManager({ address: manager.address, authkey })
  await other.connect()
  const lists = await Promise.all(Array.from({ length: 500 }, () => other.list([1])))
  assert.equal(await manager.numberOfObjects(), 500)
  const holder = await other.dict({ list: lists[0] })
  assert.equal(await holder.get('list'), lists[0])
  for (const list of lists.slice(1)) list[Symbol.dispose]()
  await freed(manager, 2)
  const lock = await other.Lock()
  await lock.acquire()
  await other[Symbol.asyncDispose]()
  await freed(manager, 0)
})

test('the lock of a remote client that dies goes to the next client', { timeout }, async () => {
  await using manager = new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey })
  await manager.start()
  const names = await manager.dict<string, unknown>({ lock: await manager.Lock(), queue: await manager.Queue() })
  void names
  await using scratch = await Scratch.create({
    'client.mjs': `
      import { SyncManager } from '%LIBRARY%'
      const manager = new SyncManager({ address: ${JSON.stringify(manager.address)}, authkey: '${authkey}' })
      await manager.connect()
      const lock = await manager.Lock()
      const waits = await manager.Condition(lock)
      await waits.acquire()
      console.log('held')
      setInterval(() => {}, 1000)
    `
  })
  await using program = new Program(scratch.file('client.mjs'))
  await program.printed(/held/)
  assert.equal(await manager.numberOfObjects(), 5)
  program.process.kill('SIGKILL')
  await program.outcome
  await freed(manager, 3)
})

test('a wrong key is refused on both sides, and without a key, only addresses of this machine are allowed', {
  timeout
}, async () => {
  await withServer(async address => {
    await assert.rejects(new SyncManager({ address, authkey: 'wrong' }).connect(), AuthenticationError)
    await assert.rejects(new SyncManager({ address }).connect(), AuthenticationError)
    const manager = new SyncManager({ address, authkey })
    await manager.connect()
    await assert.rejects(manager.connect(), ValueError)
    await manager[Symbol.asyncDispose]()
  })
  await assert.rejects(new SyncManager({ address: { host: '0.0.0.0', port: 0 } }).start(), ValueError)
  assert.throws(() => new SyncManager({ address: { host: '', port: 0 } }).getServer(), ValueError)
  await assert.rejects(new SyncManager().connect(), ValueError)
  assert.throws(() => new SyncManager({ address: 5 as never }), TypeError)
  await assert.rejects(
    new SyncManager({ address: '/nowhere/at/all', authkey }).connect(),
    (error: MultiprocessError) => error.code === 'ENOENT'
  )
})

describe('a server that ends', { timeout }, () => {
  for (const [name, end] of [
    ['by stop()', 'SIGTERM'],
    ['by SIGKILL', 'SIGKILL']
  ] as const) {
    test(`${name}: pending and later calls fail`, { timeout }, async () => {
      await withServer(async (address, program) => {
        const manager = new SyncManager({ address, authkey })
        await manager.connect()
        const [queue, dict] = [await manager.Queue(), await manager.dict()]
        const child = begin(
          GROUNDS[0][1],
          (queue: QueueProxy, dict: DictProxy) => {
            dict.setSync('begun', true)
            try {
              queue.getSync()
            } catch (error) {
              process.exit((error as { code?: string }).code === 'ERR_MANAGER_DIED' ? 7 : 8)
            }
          },
          queue,
          dict
        )
        while (!(await dict.has('begun')));
        const pending = queue.get()
        program.process.kill(end)
        await assert.rejects(pending, { code: 'ERR_MANAGER_DIED' })
        await assert.rejects(queue.put(1), { code: 'ERR_MANAGER_DIED' })
        assert.throws(() => queue.putSync(1), { code: 'ERR_MANAGER_DIED' })
        await child.join()
        assert.equal(child.exitcode, 7)
        if (end === 'SIGTERM') assert.match((await program.outcome).stdout, /stopped/)
      })
    })
  }
})

test('a program may be a client of its own server, and so may its children, until that stops', {
  timeout
}, async () => {
  const manager = new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey })
  const server = manager.getServer()
  const over = server.serveForever()
  const client = new SyncManager({ address: server.address, authkey })
  await client.connect()
  const [dict, queue] = [await client.dict<string, number>(), await client.Queue<unknown>()]
  await joinAll([begin(GROUNDS[0][1], tasks.setMany, dict, 'child', 10)])
  assert.equal(await dict.get('child-9'), 9)
  const pending = queue.get()
  await server.stop()
  await assert.rejects(pending, { code: 'ERR_MANAGER_DIED' })
  await over
  await server.stop()
})

test('a connected program without pending calls ends', { timeout }, async () => {
  await withServer(async address => {
    await using scratch = await Scratch.create({
      'client.mjs': `
        import { Process, SyncManager } from '%LIBRARY%'
        const manager = new SyncManager({ address: ${JSON.stringify(address)}, authkey: '${authkey}' })
        await manager.connect()
        const list = await manager.list([1])
        const child = new Process({ target: async list => void (await list.push(2)), args: [list] })
        child.start()
        await child.join()
        console.log(list.copySync())
      `
    })
    await using program = new Program(scratch.file('client.mjs'))
    const { stdout, code } = await program.outcome
    assert.deepEqual([stdout, code], ['[ 1, 2 ]\n', 0])
  })
})

test('an object lives as long as the process that received it, even if the sender has ended', { timeout }, async () => {
  await withServer(async address => {
    const manager = new SyncManager({ address, authkey })
    await manager.connect()
    const outer = await manager.dict<string, unknown>()
    const inner = await manager.list([1, 2])
    await outer.set('inner', inner)
    inner[Symbol.dispose]()
    const queue = new Queue<unknown>()
    const go = new Event()
    const child = begin(
      GROUNDS[0][1],
      async (outer: DictProxy, queue: Queue<unknown>, go: Event) => {
        await queue.put(await outer.pop('inner'))
        await go.wait()
      },
      outer,
      queue,
      go
    )
    const received = (await queue.get()) as ListProxy<number>
    assert.deepEqual(await received.copy(), [1, 2])
    go.set()
    await child.join()
    for (let i = 0; i < 20; i++) assert.deepEqual(await received.copy(), [1, 2])
    received[Symbol.dispose]()
    await freed(manager, 1)
    await manager[Symbol.asyncDispose]()
  })
})

test('connecting to a listener that is not a manager fails, whether it is silent or sends something else', {
  timeout
}, async () => {
  for (const says of [undefined, 'no', 'nothing that a manager would say']) {
    await using listener = new Listener({ host: 'localhost', port: 0 }, { authkey })
    const answering = listener.accept().then(async connection => {
      await connection.recvBytes()
      if (says !== undefined) await connection.send(says)
      return connection
    })
    const connecting = new SyncManager({ address: listener.address, authkey }).connect({
      timeout: says === undefined ? 200 : undefined
    })
    if (says === undefined) await assert.rejects(connecting, TimeoutError)
    else await assert.rejects(connecting, { code: 'ERR_FRAME' })
    ;(await answering).close()
  }
})

test('a disconnected manager stays disconnected, and others keep their connection', { timeout }, async () => {
  await withServer(async address => {
    const [one, another] = [new SyncManager({ address, authkey }), new SyncManager({ address, authkey })]
    const both = one.connect()
    await assert.rejects(one.connect(), ValueError)
    await both
    await another.connect()
    const dict = await another.dict()
    await one[Symbol.asyncDispose]()
    await one[Symbol.asyncDispose]()
    await assert.rejects(one.list(), ValueError)
    assert.equal(await dict.size(), 0)
    await another[Symbol.asyncDispose]()
    await assert.rejects(dict.size(), ValueError)
  })
})

test('a blocking call to a server in the same thread is refused', { timeout }, async () => {
  await using server = new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey }).getServer()
  void server.serveForever()
  const manager = new SyncManager({ address: server.address, authkey })
  await manager.connect()
  const dict = await manager.dict<number, number>()
  assert.throws(() => dict.setSync(1, 2), { code: 'ERR_SERVER_BLOCKED' })
  assert.equal(await dict.size(), 0)
  await manager[Symbol.asyncDispose]()
})

test('a server that does not serve lets its program end', { timeout }, async () => {
  await using scratch = await Scratch.create({
    'program.mjs': `
      import { SyncManager } from '%LIBRARY%'
      new SyncManager().getServer()
      new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey: 'a' }).getServer()
    `
  })
  await using program = new Program(scratch.file('program.mjs'))
  assert.equal((await program.outcome).code, 0)
})

test('a client receives all results that it asked for, even if they come at once', { timeout }, async () => {
  class Source {
    give(length: number) {
      return new Uint8Array(length)
    }
  }
  const Managers = defineManager({ Source })
  await using manager = new Managers({ address: { host: '127.0.0.1', port: 0 }, authkey })
  await manager.start()
  const client = new Managers({ address: manager.address, authkey })
  await client.connect()
  const source = await client.Source()
  const length = 2 ** 26
  const answers = await Promise.all(Array.from({ length: 5 }, async () => (await source.give(length)).length))
  assert.deepEqual(answers, [length, length, length, length, length])
  await client[Symbol.asyncDispose]()
})

test('invalid frames from a client with the key harm no other client', { timeout }, async () => {
  await using manager = new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey })
  await manager.start()
  const dict = await manager.dict({ a: 1 })
  const random = randomFrom(7)
  const whole = encode([1, { a: ['b', new Map([[1, 2n]])] }, 'set'])
  let sent = 0
  while (sent < HOSTILE) {
    const socket = await connectSocket(manager.address, { authkey })
    socket.onMessage(() => {})
    // What cannot be read ends the connection.
    while (!socket.hasEnded && sent < HOSTILE && random() > 0.02) {
      const message = Uint8Array.from(whole)
      for (let i = 0; i < 3; i++) message[Math.floor(random() * message.length)] = Math.floor(random() * 256)
      const words = new Int32Array(6 + Math.ceil(message.length / 4))
      const length = random() < 0.02 ? Math.floor(random() * 2 ** 32) : 16 + message.length
      words.set([
        0,
        0,
        length,
        sent++,
        Math.floor(random() * 4),
        (Math.floor(random() * 4) << 16) | Math.floor(random() * 20)
      ])
      if (words[3 + 1] === 0 && (words[5] & 0xffff) === 1) words[5] = 0
      new Uint8Array(words.buffer).set(message, 24)
      try {
        socket.send(new Uint8Array(words.buffer))
      } catch {
        break
      }
      if (sent % 50 === 0) await new Promise(setImmediate)
    }
    socket.close()
  }
  // Who has the key may call what it likes; the server answers all the same.
  await dict.set('a', 2)
  assert.equal(await dict.get('a'), 2)
  await freed(manager, 1)
})
