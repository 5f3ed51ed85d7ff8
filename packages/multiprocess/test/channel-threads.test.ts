/** The same channels between threads. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EOFError, JoinableQueue, Pipe, Process, Queue, SimpleQueue, wait } from '../src/threads.ts'
import * as tasks from './fixtures/channel/tasks.ts'

const timeout = 60_000

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process {
  const child = new Process({ target: target as never, args: args as never })
  child.start()
  return child
}

test('queues between threads', { timeout }, async () => {
  for (const queue of [new Queue<number>(10), new SimpleQueue<number>(), new JoinableQueue<number>()]) {
    const children = [0, 1].map(producer => start(tasks.produceSync, queue, producer, 1000))
    const next = [0, 0]
    for (let i = 0; i < 2000; i++) {
      const item = await queue.get()
      assert.equal(item % tasks.STRIDE, next[Math.floor(item / tasks.STRIDE)]++)
    }
    assert.equal(queue.empty(), true)
    for (const child of children) assert.equal(await child.join(), true)
  }
})

test('pipes between threads, and waiting for them', { timeout }, async () => {
  const [here, there] = Pipe()
  const child = start(tasks.echo, there)
  there.close()
  await here.send('x'.repeat(100_000))
  assert.deepEqual(await wait([here]), [here])
  assert.equal(await here.recv(), 'x'.repeat(100_000))
  child.kill()
  await assert.rejects(here.recv(), EOFError)
  assert.deepEqual(await wait([child.sentinel]), [child.sentinel])
})
