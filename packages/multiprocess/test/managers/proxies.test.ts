/** Proxies go anywhere, stay live inside each other, and free what they stand for when the last one is gone. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ListProxy } from '../../src/index.ts'
import { begin, GROUNDS, joinAll } from '../fixtures/managers/grounds.ts'
import { dropMany, gone, idOf, isKept } from '../fixtures/managers/holding.ts'
import * as tasks from '../fixtures/managers/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

for (const [ground, library] of GROUNDS) {
  describe(`proxies over ${ground}`, { timeout }, () => {
    let manager: Awaited<ReturnType<typeof library.Manager>>
    before(async () => {
      manager = await library.Manager()
    })
    after(() => manager.shutdown())

    test('a proxy inside a value stays live', { timeout }, async () => {
      const [outer, inner] = [await manager.dict<string, ListProxy<string>>(), await manager.list<string>()]
      await outer.set('inner', inner)
      assert.equal(await outer.get('inner'), inner)
      const child = begin(library, tasks.pushTo, outer, 'from the child')
      await inner.push('from here')
      await joinAll([child])
      assert.deepEqual((await inner.copy()).sort(), ['from here', 'from the child'])
      const list = await manager.list<unknown>([[inner, { inner }]])
      assert.deepEqual(await list.copy(), [[inner, { inner }]])
      assert.equal(await list.includes(inner), false)
      assert.equal(await list.indexOf([inner, { inner }]), 0)
    })

    test('a dict inside a dict is changed in place', { timeout }, async () => {
      const outer = await manager.dict<string, unknown>()
      await outer.set('a', await manager.dict({ x: 1 }))
      const copy = (await outer.get('a')) as Awaited<ReturnType<typeof manager.dict<string, number>>>
      await copy.set('x', 2)
      assert.equal(await (await outer.copy()).get('a'), copy)
      assert.deepEqual(await copy.copy(), new Map([['x', 2]]))
    })

    test('a proxy crosses through arguments, closures, queues, pipes and pools, and back', { timeout }, async () => {
      const list = await manager.list<string>()
      const [queue, [here, there]] = [new library.Queue<unknown>(), library.Pipe()]
      await queue.put({ list })
      await here.send([list])
      assert.equal(((await queue.get()) as { list: unknown }).list, list)
      assert.equal(((await there.recv()) as unknown[])[0], list)
      await using pool = new library.Pool(1)
      const closure = async (text: string) => {
        await list.push(text)
        return list
      }
      assert.equal(await pool.apply(closure, ['closed over']), list)
      assert.deepEqual(await pool.map(async item => (await item.push('mapped')) > 0, [list]), [true])
      assert.deepEqual(await list.copy(), ['closed over', 'mapped'])
    })

    test('an object is freed with its last holder, whichever process that is', { timeout }, async () => {
      const [kept, event] = [await manager.list([1]), await manager.Event()]
      const id = idOf(kept)
      const child = begin(library, tasks.keep, kept, event)
      await event.wait()
      kept[Symbol.dispose]()
      await sleep(30)
      assert.equal(await isKept(manager, id), true)
      child.kill()
      await child.join()
      await gone(manager, id)
    })

    test('the contents of a value are freed with it, even in circles', { timeout }, async () => {
      const [ring, dict] = [await manager.list<unknown>(), await manager.dict<string, unknown>()]
      await ring.push(ring, dict)
      await dict.set('ring', ring)
      assert.equal(await ring.at(0), ring)
      const ids = [ring, dict].map(idOf)
      dict[Symbol.dispose]()
      ring[Symbol.dispose]()
      for (const id of ids) await gone(manager, id)
    })

    test('proxies that are created and dropped leave nothing', { timeout }, async () => {
      await dropMany(manager, 2000, true)
      await dropMany(manager, 2000, false)
    })

    test('a message that is not read keeps its proxies, and one that is not sent does not', {
      timeout
    }, async () => {
      const queue = new library.Queue<unknown>()
      const [list, refused] = [await manager.list(), await manager.list()]
      const [id, other] = [list, refused].map(idOf)
      await assert.rejects(queue.put([refused, new WeakMap()]))
      refused[Symbol.dispose]()
      await gone(manager, other)
      await queue.put(list)
      list[Symbol.dispose]()
      await sleep(20)
      assert.equal(await isKept(manager, id), true)
      const again = (await queue.get()) as ListProxy
      assert.equal(await again.length(), 0)
      again[Symbol.dispose]()
      await gone(manager, id)
    })
  })
}
