/** Programs that tutorials of Python's managers show, as a reader would write them here; and very many clients. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DictProxy, ListProxy, SemaphoreProxy } from '../src/index.ts'
import { SyncManager } from '../src/index.ts'
import { begin, GROUNDS, joinAll } from './fixtures/managers/grounds.ts'

const timeout = 60_000
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

  test(`a BoundedSemaphore(1) around a shared list, over ${ground}`, { timeout }, async () => {
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

test("the first program of Python's documentation of managers", { timeout }, async () => {
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

test(`${CLIENTS} clients at once`, { timeout }, async () => {
  await using manager = new SyncManager({ address: { host: '127.0.0.1', port: 0 }, authkey: 'many' })
  await manager.start()
  // The server keeps no more than a connection for each, and none waits for another one's.
  const { connectSocket } = await import('../src/socket/connect.ts')
  const { RemoteLink } = await import('../src/managers/remote-link.ts')
  const { methodOf } = await import('../src/managers/kinds.ts')
  const { address } = manager
  const links = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const socket = await connectSocket(address, { authkey: 'many' })
      return new RemoteLink(socket, address, `remote:${i}`)
    })
  )
  const create = methodOf('manager', 'create')
  const locks = await Promise.all(links.map(link => link.call(0, create, ['Lock', []])))
  assert.equal(await manager.numberOfObjects(), CLIENTS)
  assert.equal(new Set(locks).size, CLIENTS)
  for (const link of links) link.close()
  while ((await manager.numberOfObjects()) > 0);
})
