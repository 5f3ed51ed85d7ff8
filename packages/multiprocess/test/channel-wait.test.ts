/** wait and waitSync. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Event, Pipe, Process, Queue, type Waitable, wait, waitSync } from '../src/index.ts'
import * as tasks from './fixtures/channel/tasks.ts'

const timeout = 60_000

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process {
  const child = new Process({ target: target as never, args: args as never })
  child.start()
  return child
}

test('answers with all that are ready, in their order', { timeout }, async () => {
  const queue = new Queue<number>()
  const event = new Event()
  const [a, b] = Pipe<number>()
  const all: Waitable[] = [event, a, queue]
  assert.deepEqual(await wait(all, { timeout: 5 }), [])
  assert.deepEqual(waitSync(all, { timeout: 5 }), [])
  assert.deepEqual(await wait(all, { timeout: 0 }), [])
  queue.putNowait(1)
  assert.deepEqual(await wait(all), [queue])
  event.set()
  await b.send(1)
  assert.deepEqual(await wait(all), [event, a, queue])
  assert.deepEqual(waitSync(all), [event, a, queue])
  assert.deepEqual(await wait([]), [])
})

test('wakes when another process makes one ready', { timeout }, async () => {
  const queue = new Queue<string>()
  const [here, there] = Pipe()
  const events = [new Event(), new Event()]
  const children = events.map((event, i) => start(tasks.putLater, queue, `${i}`, event))
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
  for (const child of children) await child.join()
})

test('sees processes end', { timeout }, async () => {
  const [isThere, event] = [new Event(), new Event()]
  const [here, there] = Pipe()
  const child = start(tasks.hold, there, isThere, event)
  const { sentinel } = child
  const waiting = wait([sentinel, new Queue()])
  assert.deepEqual(waitSync([sentinel], { timeout: 5 }), [])
  assert.deepEqual(waitSync([sentinel, here], { timeout: 5 }), [])
  child.kill()
  assert.deepEqual(await waiting, [sentinel])
  assert.deepEqual(await wait([sentinel]), [sentinel])
  assert.deepEqual(waitSync([sentinel]), [sentinel])
  const other = start(tasks.hold, there, isThere, event)
  other.kill()
  assert.deepEqual(waitSync([here, other.sentinel]), [other.sentinel])
})

test('waits for hundreds at once', { timeout }, async () => {
  const queues = Array.from({ length: 300 }, () => new Queue<number>())
  for (const chosen of [299, 0, 150]) {
    const waiting = wait(queues)
    queues[chosen].putNowait(1)
    assert.deepEqual(await waiting, [queues[chosen]])
    assert.deepEqual(waitSync(queues), [queues[chosen]])
    queues[chosen].getNowait()
  }
})

test('leaves what is there to those who take it', { timeout }, async () => {
  const queue = new Queue<number>()
  for (let i = 0; i < 20; i++) {
    const waiting = [wait([queue]), wait([queue])]
    const taking = queue.get()
    const begin = performance.now()
    queue.putNowait(i)
    assert.equal(await taking, i)
    assert.ok(performance.now() - begin < 400, 'woken only after its slice')
    queue.putNowait(i)
    for (const ready of await Promise.all(waiting)) assert.deepEqual(ready, [queue])
    queue.getNowait()
  }
})

test('rejects with the reason once its signal is aborted, and refuses other objects', { timeout }, async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const queue = new Queue<number>()
  const waiting = wait([queue], { signal: controller.signal })
  controller.abort(reason)
  await assert.rejects(waiting, reason)
  await assert.rejects(wait([queue], { signal: controller.signal }), reason)
  await assert.rejects(wait([{} as never]), TypeError)
  assert.throws(() => waitSync([null as never]), TypeError)
  queue.putNowait(1)
  assert.equal(await queue.get(), 1)
})
