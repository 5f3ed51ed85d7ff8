/** `stats`, the channels of `node:diagnostics_channel`, and `trace`. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import * as threads from 'multiprocess/threads'
import { Pool, type TaskEndMessage, type TaskStartMessage, type WorkerMessage } from '../../src/index.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, range, Scratch, until, workers } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)

interface Heard {
  readonly name: string
  readonly message: object
}

/** What is published while the block lasts. */
function listen(...names: string[]): { heard: Heard[]; [Symbol.dispose](): void } {
  const heard: Heard[] = []
  const listeners = names.map(name => {
    const listener = (message: unknown) => void heard.push({ name, message: message as object })
    subscribe(`multiprocess:pool:${name}`, listener)
    return () => unsubscribe(`multiprocess:pool:${name}`, listener)
  })
  return {
    heard,
    [Symbol.dispose]: () => {
      for (const leave of listeners) leave()
    }
  }
}

describe('stats', { timeout }, () => {
  test('stats count submitted, completed, failed and pending tasks', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const { workers: started, ...none } = pool.stats
    assert.deepEqual(none, { submitted: 0, completed: 0, failed: 0, pending: 0 })
    assert.equal(started.length, 1)
    await Promise.all(range(10).map(n => pool.apply(tasks.square, [n])))
    await pool.apply(tasks.fail, ['no']).catch(() => {})
    const gate = new Gate(scratch)
    const controller = new AbortController()
    const held = pool.apply(tasks.holdGate, gate.args)
    const waiting = range(3000).map(n => pool.apply(tasks.square, [n]))
    const dropped = pool.applyAsync(tasks.square, [1], { signal: controller.signal })
    await gate.arrival()
    const { workers: one, ...counts } = pool.stats
    assert.deepEqual(counts, { submitted: 3013, completed: 10, failed: 1, pending: 3002 })
    const [{ rss, ...worker }] = one
    assert.deepEqual(worker, { pid: workers()[0], tasks: 11, busy: true, restarts: 0 })
    assert.ok(rss > 20_000_000 && rss < 2_000_000_000, `${rss} bytes`)
    controller.abort()
    await dropped.wait()
    gate.open()
    await Promise.all([held, ...waiting])
    const { workers: idle, ...after } = pool.stats
    assert.deepEqual(after, { submitted: 3013, completed: 3011, failed: 2, pending: 0 })
    assert.equal(idle[0].busy, false)
  })

  test('stats report restarts', async () => {
    await using pool = new Pool(1)
    for (const _ of range(2)) await pool.apply(dying.exit, [1]).catch(() => {})
    await pool.apply(tasks.square, [2])
    const [worker] = pool.stats.workers
    assert.equal(worker.restarts, 2)
    assert.equal(worker.tasks, 1)
    assert.equal(pool.stats.failed, 2)
  })

  test('stats work over threads', async () => {
    await using pool = new threads.Pool(2)
    await pool.map((n: number) => n, range(10), 1)
    assert.equal(pool.stats.completed, 10)
    assert.equal(pool.stats.workers.length, 2)
  })
})

describe('diagnostics channels', { timeout }, () => {
  test('channels publish when a task is submitted, begins and ends', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    using listener = listen('task:submit', 'task:start', 'task:end')
    const gate = new Gate(scratch)
    const held = pool.apply(tasks.holdGate, gate.args)
    await gate.arrival()
    await until(() => listener.heard.some(({ name }) => name === 'task:start'), 'the begin is told while it runs')
    gate.open()
    await held
    await pool.apply(tasks.fail, ['no']).catch(() => {})
    await new Promise(setImmediate)
    assert.deepEqual(
      listener.heard.map(({ name }) => name),
      ['task:submit', 'task:start', 'task:end', 'task:submit', 'task:start', 'task:end']
    )
    const [submitted, started, ended, , , failed] = listener.heard.map(({ message }) => message)
    assert.deepEqual(submitted, { pool, id: 2, name: 'holdGate' })
    const { start, ...begin } = started as TaskStartMessage
    assert.deepEqual(begin, { pool, id: 2, name: 'holdGate', pid })
    const { end, ...rest } = ended as TaskEndMessage
    assert.deepEqual(rest, { pool, id: 2, name: 'holdGate', outcome: 'success', pid, start })
    assert.ok(end !== undefined && end > start && end - start < 60_000)
    assert.equal((failed as TaskEndMessage).outcome, 'error')
  })

  test('channels publish dropped tasks, and tasks whose worker dies', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    using listener = listen('task:end')
    const controller = new AbortController()
    const gate = new Gate(scratch)
    const dead = pool.apply(dying.neverFrom, [gate.reached]).catch(() => {})
    const dropped = range(3000).map(n => pool.applyAsync(tasks.square, [n], { signal: controller.signal }))
    const pid = await gate.arrival()
    controller.abort()
    await Promise.all(dropped.map(result => result.wait()))
    process.kill(pid, 'SIGKILL')
    await dead
    await new Promise(setImmediate)
    const messages = listener.heard.map(({ message }) => message as TaskEndMessage)
    assert.equal(messages.length, 3001)
    assert.ok(messages.every(({ outcome }) => outcome === 'stopped'))
    assert.ok(messages.slice(0, 3000).every(message => message.pid === 0 && message.start === undefined))
    const last = messages.at(-1) as TaskEndMessage
    assert.deepEqual([last.pid, last.end, last.name], [pid, undefined, 'neverFrom'])
  })

  test('channels publish starts and ends of workers', async () => {
    using listener = listen('worker:start', 'worker:end')
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    await pool.apply(dying.exit, [5]).catch(() => {})
    const next = await pool.apply(tasks.pid)
    const told = listener.heard.map(({ name, message }) => {
      const { pool: from, ...rest } = message as WorkerMessage
      assert.equal(from, pool)
      return { name, ...rest }
    })
    assert.deepEqual(told, [
      { name: 'worker:start', pid },
      { name: 'worker:end', pid, exitcode: 5 },
      { name: 'worker:start', pid: next }
    ])
  })

  test('channels publish a chunk of map as one task', async () => {
    await using pool = new Pool(2)
    using listener = listen('task:end')
    await pool.map(tasks.square, range(20), 5)
    await new Promise(setImmediate)
    assert.equal(listener.heard.length, 4)
  })
})

describe('a trace', { timeout }, () => {
  interface Event {
    readonly ph: string
    readonly name: string
    readonly cat: string
    readonly pid: number
    readonly tid: number
    readonly ts: number
    readonly dur: number
    readonly args: { readonly name?: string; readonly id?: number; readonly outcome?: string }
  }
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Event[]

  /** The Trace Event Format: complete events and names; a row's boxes in their order, none over another; each row has a name. */
  function assertFormat(events: readonly Event[]): void {
    const ends = new Map<number, number>()
    const names = new Map<number, string | undefined>()
    assert.deepEqual(events[0].args, { name: 'multiprocess pool' })
    assert.equal(events[0].name, 'process_name')
    for (const event of events) {
      assert.ok(event.ph === 'M' || event.ph === 'X', event.ph)
      assert.equal(event.pid, process.pid)
      assert.ok(Number.isSafeInteger(event.tid) && event.tid >= 0)
      if (event.name === 'thread_name') {
        assert.ok(!names.has(event.tid), 'a row is named once')
        names.set(event.tid, event.args.name)
      }
      if (event.ph !== 'X') continue
      assert.match(names.get(event.tid) ?? '', /^worker \d+/, 'a row is named before its first box')
      assert.ok(event.ts > 0 && event.dur >= 0)
      // As viewers add them up: one that begins a billionth too early is drawn inside of the other.
      assert.ok(event.ts >= (ends.get(event.tid) ?? 0), 'a box begins after the one before it in its row has ended')
      ends.set(event.tid, event.ts + event.dur)
    }
  }

  test('a trace has a row for each worker, with its tasks and its idle time', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('trace.json')
    let given = 23
    {
      await using pool = new Pool({ processes: 2, trace: file })
      // Until both are there.
      for (; pool.stats.workers.some(worker => worker.tasks === 0); given += 4)
        await pool.map(tasks.block, [1, 1, 1, 1], 1)
      await pool.map(
        tasks.block,
        range(20).map(() => 5),
        1
      )
      await tasks.sleep(30)
      await Promise.all(range(2).map(() => pool.apply(tasks.block, [20])))
      await pool.apply(tasks.fail, ['no']).catch(() => {})
      pool.close()
      await pool.join()
    }
    const events = read(file)
    const done = events.filter(event => event.cat === 'task')
    assert.equal(done.length, given)
    assert.equal(new Set(done.map(event => event.args.id)).size, given)
    assert.equal(done.filter(event => event.name === 'block').length, given - 1)
    assert.equal(done.filter(event => event.args.outcome === 'error').length, 1)
    const rows = new Set(done.map(event => event.tid))
    assert.equal(rows.size, 2)
    for (const tid of rows) {
      const row = events.filter(event => event.ph === 'X' && event.tid === tid).sort((a, b) => a.ts - b.ts)
      assert.ok(row.some(event => event.cat === 'idle' && event.dur > 15_000))
      for (const event of row) if (event.name === 'block') assert.ok(event.dur >= 900, `${event.dur} µs`)
    }
    assertFormat(events)
  })

  test('a trace has a row for each of several simultaneous tasks of a worker', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('trace.json')
    {
      await using pool = new Pool({ processes: 1, concurrency: 3, trace: file })
      await Promise.all(range(9).map(() => pool.apply(tasks.pidLater, [10])))
      pool.close()
      await pool.join()
      await pool.join()
    }
    const done = read(file).filter(event => event.cat === 'task')
    assert.equal(done.length, 9)
    assert.equal(new Set(done.map(event => event.tid)).size, 3)
    assertFormat(read(file))
  })

  test('a trace to a file that cannot be written is refused at once', () => {
    assert.throws(() => new Pool({ processes: 1, trace: '/nowhere/trace.json' }), { code: 'ENOENT' })
    assert.throws(() => new Pool({ processes: 1, trace: 7 as never }), { name: 'TypeError', message: /trace must be/ })
    assert.deepEqual(workers(), [])
  })
})
