/** Programs that tutorials of Python's managers show, as a reader would write them here; and very many clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DictProxy, ListProxy, SemaphoreProxy } from '../../src/index.ts'
import { SyncManager } from '../../src/index.ts'
import { begin, GROUNDS, joinAll } from '../fixtures/managers/grounds.ts'
import { Program, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const CLIENTS = Number(process.env.MULTIPROCESS_TEST_CLIENTS ?? 1000)

for (const [ground, library] of GROUNDS) {
  test(`ten processes write one dict, over ${ground}`, { timeout }, async () => {
    await using manager = await library.Manager()
    const dict = await manager.dict<number, number>()
    const worker = async (dict: DictProxy<number, number>, key: number, item: number) => dict.set(key, item)
    const jobs = Array.from({ length: 10 }, (_, i) => begin(library, worker, dict, i, i * 2))
    await joinAll(jobs)
    assert.deepEqual(await dict.copy(), new Map(Array.from({ length: 10 }, (_, i) => [i, i * 2])))
  })

  test(`a BoundedSemaphore(1) guards a shared list, over ${ground}`, { timeout }, async () => {
    await using manager = await library.Manager()
    const [list, lock] = [await manager.list<number>([0]), await manager.BoundedSemaphore(1)]
    const add = async (list: ListProxy<number>, lock: SemaphoreProxy, n: number) => {
      await lock.acquire()
      const last = (await list.at(-1)) as number
      await list.push(last + n)
      await lock.release()
    }
    await using pool = new library.Pool(4)
    await pool.starmap(
      add,
      Array.from({ length: 20 }, () => [list, lock, 1] as [ListProxy<number>, SemaphoreProxy, number])
    )
    assert.deepEqual(
      await list.copy(),
      Array.from({ length: 21 }, (_, i) => i)
    )
  })
}

test("the first program of Python's documentation of managers runs", { timeout }, async () => {
  const [, library] = GROUNDS[0]
  await using manager = await library.Manager()
  const d = await manager.dict<unknown, unknown>()
  const l = await manager.list(Array.from({ length: 10 }, (_, i) => i))
  const f = async (d: DictProxy<unknown, unknown>, l: ListProxy<number>) => {
    await d.set(1, '1')
    await d.set('2', 2)
    await d.set(0.25, null)
    await l.reverse()
  }
  await joinAll([begin(library, f, d, l)])
  assert.deepEqual(
    await d.copy(),
    new Map<unknown, unknown>([
      [1, '1'],
      ['2', 2],
      [0.25, null]
    ])
  )
  assert.deepEqual(await l.copy(), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
})

test("the queue manager of Python's documentation runs: a server, and two programs that use its queue", {
  timeout
}, async () => {
  await using scratch = await Scratch.create({
    'server.mjs': `
      import { BaseManager, Queue } from '%LIBRARY%'
      const queue = new Queue()
      class QueueManager extends BaseManager {}
      QueueManager.register('getQueue', () => queue)
      const server = new QueueManager({ address: { host: '', port: 0 }, authkey: 'abracadabra' }).getServer()
      console.log(server.address.port)
      await server.serveForever()
    `,
    'client.mjs': `
      import { BaseManager } from '%LIBRARY%'
      class QueueManager extends BaseManager {}
      QueueManager.register('getQueue')
      const [port, text] = process.argv.slice(2)
      const manager = new QueueManager({ address: { host: '127.0.0.1', port: Number(port) }, authkey: 'abracadabra' })
      await manager.connect()
      const queue = await manager.getQueue()
      if (queue !== (await manager.getQueue())) throw new Error('another queue')
      if (text === undefined) console.log(await queue.get())
      else await queue.put(text)
    `
  })
  await using server = new Program(scratch.file('server.mjs'))
  const [port] = await server.printed(/\d+\n/)
  await using reader = new Program(scratch.file('client.mjs'), { args: [port.trim()] })
  await using writer = new Program(scratch.file('client.mjs'), { args: [port.trim(), 'hello'] })
  assert.equal((await writer.outcome).code, 0)
  assert.equal((await reader.outcome).stdout, 'hello\n')
})

test("proxies of proxies, and namespaces, work as in Python's documentation", { timeout }, async () => {
  const [, library] = GROUNDS[0]
  await using manager = await library.Manager()
  const global = await manager.Namespace<{ x: number; y?: string }>({ x: 10 })
  await global.set('y', 'hello')
  assert.deepEqual(await global.copy(), { x: 10, y: 'hello' })
  const [a, b] = [await manager.list<unknown>(), await manager.list<unknown>()]
  await a.push(b)
  await b.push('hello')
  const [inner] = (await a.copy()) as [ListProxy<unknown>]
  assert.deepEqual([inner, await inner.at(0)], [b, 'hello'])
  const outer = await manager.list([await manager.dict<string, number>(), await manager.dict<string, number>()])
  const [first, second] = await outer.copy()
  await first.update({ a: 1, b: 2 })
  await second.set('c', 3)
  assert.deepEqual(
    await (await outer.at(0))?.copy(),
    new Map([
      ['a', 1],
      ['b', 2]
    ])
  )
  // What is no proxy is a copy: it has to be written back.
  const plain = await manager.list<Record<string, number>>()
  await plain.push({})
  const copy = (await plain.at(0)) as Record<string, number>
  copy.a = 1
  assert.deepEqual(await plain.at(0), {})
  await plain.set(0, copy)
  assert.deepEqual(await plain.at(0), { a: 1 })
})

test(`a server answers ${CLIENTS} clients at once`, { timeout }, async () => {
  await using manager = new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey: 'many' })
  await manager.start()
  // The server keeps no more than a connection for each, and none waits for another one's.
  const { connectSocket } = await import('../../src/socket/connect.ts')
  const { RemoteLink } = await import('../../src/managers/client/remote-link.ts')
  const { currentFamily } = await import('../../src/ground/family.ts')
  const { methodNumber } = await import('../../src/managers/protocol/methods.ts')
  const { address } = manager
  const links = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const socket = await connectSocket(address, { authkey: 'many' })
      return new RemoteLink(socket, address, currentFamily('spawn'), `remote:${i}`)
    })
  )
  const create = methodNumber('manager', 'create')
  const locks = await Promise.all(links.map(link => link.call(0, create, ['Lock', []])))
  assert.equal(await manager.numberOfObjects(), CLIENTS)
  assert.equal(new Set(locks).size, CLIENTS)
  for (const link of links) link.close()
  while ((await manager.numberOfObjects()) > 0);
})
