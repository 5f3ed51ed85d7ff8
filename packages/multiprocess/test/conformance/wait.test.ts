/** `multiprocessing.connection.wait`. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Waitable } from '../../src/index.ts'
import { handleOf } from '../../src/memory/shared-object.ts'
import * as channel from '../fixtures/channel/tasks.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/conformance/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

conform('wait', ({ face, behaviour, pool, start }) => {
  const { Event, JoinableQueue, Pipe, Queue, wait, waitSync } = face

  behaviour(
    'wait() waits until an object in the list is ready, and returns the ready objects in their order',
    async () => {
      const queue = new Queue<number>()
      const event = new Event()
      const [a, b] = Pipe<number>()
      const all: Waitable[] = [event, a, queue]
      queue.putNowait(1)
      assert.deepEqual(await wait(all), [queue])
      event.set()
      await b.send(1)
      assert.deepEqual(await wait(all), [event, a, queue])
      assert.deepEqual(waitSync(all), [event, a, queue])
    }
  )

  behaviour('wait() returns an empty list if its timeout expires', async () => {
    // The other end must not be collected meanwhile: that would end the pipe.
    const [end, otherEnd] = Pipe()
    const all: Waitable[] = [new Queue(), new Event(), end]
    assert.deepEqual(await wait(all, { timeout: 5 }), [])
    assert.deepEqual(waitSync(all, { timeout: 5 }), [])
    otherEnd.close()
  })

  behaviour('a timeout of 0 does not wait', async () => {
    assert.deepEqual(await wait([new Queue()], { timeout: 0 }), [])
    assert.deepEqual(waitSync([new Queue()], { timeout: 0 }), [])
  })

  behaviour('wait() for no objects returns at once', async () => {
    assert.deepEqual(await wait([]), [])
    assert.deepEqual(waitSync([]), [])
  })

  behaviour('a Connection is ready when there is data, and when the other end was closed', async () => {
    const [a, b] = Pipe()
    const waiting = wait([a])
    await b.send(1)
    assert.deepEqual(await waiting, [a])
    await a.recv()
    b.close()
    assert.deepEqual(await wait([a]), [a])
  })

  behaviour('a queue is ready while it has an item', async () => {
    const queue = new JoinableQueue<number>()
    const waiting = wait([queue])
    await pool().apply(tasks.call, [queue, 'putSync', 1])
    assert.deepEqual(await waiting, [queue])
    queue.getNowait()
    assert.deepEqual(await wait([queue], { timeout: 0 }), [])
  })

  behaviour('an event is ready while it is set', async () => {
    const event = new Event()
    const waiting = wait([event])
    await pool().apply(tasks.call, [event, 'set'])
    assert.deepEqual(await waiting, [event])
    event.clear()
    assert.deepEqual(waitSync([event], { timeout: 0 }), [])
  })

  behaviour('the sentinel of a Process is ready when the process ends', async () => {
    const isThere = new Event()
    const child = start(tasks.stay, isThere)
    const { sentinel } = child
    await isThere.wait()
    const waiting = wait([sentinel, new Queue()])
    assert.deepEqual(waitSync([sentinel], { timeout: 5 }), [])
    child.kill()
    assert.deepEqual(await waiting, [sentinel])
    assert.deepEqual(await wait([sentinel]), [sentinel])
    assert.deepEqual(waitSync([sentinel]), [sentinel])
  })

  behaviour('waitSync() of a sentinel and a connection sees the process end while it blocks', () => {
    const [here] = Pipe()
    const child = start(tasks.stay)
    assert.deepEqual(waitSync([here, child.sentinel], { timeout: 1 }), [])
    child.kill()
    assert.deepEqual(waitSync([here, child.sentinel]), [child.sentinel])
  })

  behaviour('an object that another process makes ready wakes a waiter, blocked or not', async () => {
    const queue = new Queue<string>()
    const [here, there] = Pipe()
    const events = [new Event(), new Event()]
    const putting = events.map((event, i) =>
      pool().apply(channel.putLater as typeof channel.putLater<string>, [queue, `${i}`, event])
    )
    const all: Waitable[] = [here, queue]
    const waiting = wait(all)
    events[0].set()
    assert.deepEqual(await waiting, [queue])
    assert.equal(queue.getNowait(), '0')
    events[1].set()
    assert.deepEqual(waitSync(all), [queue])
    assert.equal(queue.getNowait(), '1')
    there.close()
    assert.deepEqual(await wait(all), [here])
    await Promise.all(putting)
  })

  behaviour('wait() can wait for hundreds of objects at once', async () => {
    const queues = Array.from({ length: 300 }, () => new Queue<number>())
    for (const chosen of [299, 0, 150]) {
      const waiting = wait(queues)
      queues[chosen].putNowait(1)
      assert.deepEqual(await waiting, [queues[chosen]])
      assert.deepEqual(waitSync(queues), [queues[chosen]])
      queues[chosen].getNowait()
    }
  })

  behaviour('wait() leaves items to the processes that take them', async t => {
    const queue = new Queue<number>()
    const { lot } = handleOf(queue).family
    const { parkAsync } = lot
    // Whoever takes sleeps until it is woken: no slice makes up for a wake-up that the others keep for themselves.
    t.mock.method(lot, 'parkAsync', ((at, expected, options) =>
      parkAsync.call(lot, at, expected, { ...options, timeout: undefined })) as typeof parkAsync)
    for (let i = 0; i < 20; i++) {
      const waiting = [wait([queue]), wait([queue])]
      const taking = queue.get()
      queue.putNowait(i)
      assert.equal(await Promise.race([taking, sleep(limit(5000), 'nobody woke it', { ref: false })]), i)
      queue.putNowait(i)
      for (const ready of await Promise.all(waiting)) assert.deepEqual(ready, [queue])
      queue.getNowait()
    }
  })

  behaviour('wait() rejects with the reason once its signal is aborted', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const queue = new Queue<number>()
    const waiting = wait([queue], { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(waiting, reason)
    await assert.rejects(wait([queue], { signal: controller.signal }), reason)
    queue.putNowait(1)
    assert.equal(await queue.get(), 1)
  })

  behaviour('wait() without objects sleeps for its timeout, and the event loop turns', async () => {
    let turns = 0
    const interval = setInterval(() => turns++, 5)
    const begin = performance.now()
    assert.deepEqual(await wait([], { timeout: 60 }), [])
    clearInterval(interval)
    assert.ok(performance.now() - begin >= 59, 'it returned before its timeout')
    assert.ok(turns > 0, 'the event loop did not turn')
    const beginSync = performance.now()
    assert.deepEqual(waitSync([], { timeout: 30 }), [])
    assert.ok(performance.now() - beginSync >= 29, 'it returned before its timeout')
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = wait([], { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(waiting, reason)
  })

  behaviour('objects that cannot be waited for are refused', async () => {
    await assert.rejects(wait([{} as never]), TypeError)
    assert.throws(() => waitSync([null as never]), TypeError)
    await assert.rejects(wait([new Queue()], { timeout: Number.NaN }), RangeError)
  })
})
