/** Timeouts, signals, tries: tasks that are stopped, and tasks that are begun again. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import * as threads from 'multiprocess/threads'
import { currentTask, type IMapIterator, Pool, TimeoutError, WorkerDiedError } from '../../src/index.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as stopping from '../fixtures/pool/stopping.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, isPidRunning, liveBlocks, range, Scratch, until, untilBlocks, workers } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(30_000)

/** What `map`, `imap` and the like have in common. */
type AnyMap<T, R> = (
  this: Pool,
  fn: (item: T) => unknown,
  items: readonly T[],
  options: object
) => PromiseLike<R[]> | IMapIterator<R>

async function errorOf(result: PromiseLike<unknown>): Promise<unknown> {
  try {
    await result
  } catch (error) {
    return error
  }
  assert.fail('it did not reject')
}

async function exhaust(results: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of results);
}

describe('a timeout', { timeout: limit(120_000) }, () => {
  test('a timeout rejects with TimeoutError, and after the grace period replaces the worker', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    for (const [name, fn] of Object.entries({ spin: dying.spinFrom, never: dying.neverFrom })) {
      const gate = new Gate(scratch, name)
      await pool.apply(dying.whatWasInitialized)
      const begin = performance.now()
      const error = await errorOf(pool.apply(fn, [gate.reached], { timeout: 100, killAfter: 150 }))
      const elapsed = performance.now() - begin
      assert.ok(error instanceof TimeoutError && /more than 100 ms/.test(error.message), String(error))
      assert.ok(elapsed >= 99, `${elapsed} ms`)
      const pid = await gate.arrival()
      assert.ok(isPidRunning(pid), 'it has its grace')
      assert.notEqual(await pool.apply(tasks.pid), pid)
      assert.ok(performance.now() - begin >= 240)
      assert.ok(!isPidRunning(pid))
    }
  })

  test('a timeout is counted from the begin of the task, not from its submission', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    await using other = new Pool(1)
    const gate = new Gate(scratch)
    const held = pool.applyAsync(tasks.holdGate, gate.args)
    await gate.arrival()
    const options = { timeout: 400 }
    const queued = pool.applyAsync(tasks.square, [3], options)
    // One that begins at once, where nothing is in its way, has none of its time left.
    assert.ok((await errorOf(other.apply(tasks.neverWith, [null], options))) instanceof TimeoutError)
    assert.equal(queued.ready(), false)
    gate.open()
    await held
    assert.equal(await queued, 9)
  })

  test('a task that ends in its grace period keeps its worker', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    for (const [name, fn] of Object.entries({ events: stopping.untilAborted, spin: stopping.spinUntilAborted })) {
      const ended = scratch.file(`${name}-ended`)
      const result = pool.apply(fn as never, [scratch.file(name), ended] as never, { timeout: 50, killAfter: 20_000 })
      assert.ok((await errorOf(result)) instanceof TimeoutError)
      assert.equal(await pool.apply(tasks.pid), pid)
      assert.deepEqual(await scratch.lines(`${name}-ended`), ['TimeoutError'])
    }
  })

  test('a timeout replaces only its own worker', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    const gate = new Gate(scratch)
    const other = pool.applyAsync(tasks.holdGate, gate.args)
    const pid = await gate.arrival()
    await assert.rejects(pool.apply(tasks.spin, [], { timeout: 20, killAfter: 0 }), TimeoutError)
    assert.equal(await pool.apply(tasks.square, [3]), 9)
    gate.open()
    assert.equal(await other, pid)
  })

  test('a timeout ends a worker that is stopped by SIGSTOP', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const gate = new Gate(scratch)
    const failed = errorOf(pool.apply(dying.spinFrom, [gate.reached], { timeout: 2000, killAfter: 10 }))
    const pid = await gate.arrival()
    process.kill(pid, 'SIGSTOP')
    assert.ok((await failed) instanceof TimeoutError)
    assert.equal(await pool.apply(tasks.square, [3]), 9)
    assert.ok(!isPidRunning(pid))
  })

  test('a timeout of map and imap is the time of each item', { timeout }, async () => {
    await using pool = new Pool(1)
    const items = range(8).map(n => ({ n, ms: 140 }))
    assert.deepEqual(await pool.map(stopping.blockItem, items, { chunksize: 8, timeout: 1000 }), range(8))
    items[5].ms = 5000
    await assert.rejects(
      pool.map(stopping.blockItem, items, { chunksize: 8, timeout: 1000, killAfter: 0 }),
      TimeoutError
    )
    const results = pool.imap(stopping.blockItem, items, { timeout: 1000, killAfter: 0 })
    const seen: unknown[] = []
    for (const n of range(8)) {
      seen.push(
        await results.next().then(
          step => step.value === n,
          error => error instanceof TimeoutError && n === 5
        )
      )
    }
    assert.deepEqual(
      seen,
      range(8).map(() => true)
    )
  })

  test('a timeout works over threads', { timeout }, async () => {
    await using pool = new threads.Pool(1)
    const spin = () => {
      for (;;);
    }
    // The thread has started, and is in its loop when it is ended.
    assert.equal(await pool.apply(() => 5), 5)
    await assert.rejects(pool.apply(spin, [], { timeout: 50, killAfter: 10 }), TimeoutError)
    assert.equal(await pool.apply(() => 7), 7)
  })
})

describe('a signal', { timeout: limit(120_000) }, () => {
  test('a signal drops thousands of queued tasks at once, and no other', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const gate = new Gate(scratch)
    const held = pool.applyAsync(tasks.holdGate, gate.args)
    await gate.arrival()
    const controller = new AbortController()
    const dropped = range(10_000).map(n => pool.applyAsync(tasks.square, [n], { signal: controller.signal }))
    const kept = range(3000).map(n => pool.applyAsync(tasks.square, [n]))
    assert.equal(getEventListeners(controller.signal, 'abort').length, 1)
    const reason = new RangeError('enough')
    controller.abort(reason)
    for (const result of dropped) assert.equal(await errorOf(result), reason)
    // No worker could take anything meanwhile.
    assert.equal(held.ready(), false)
    gate.open()
    assert.deepEqual(await Promise.all(kept), range(3000).map(tasks.square))
  })

  test('a signal is aborted in a running task, which keeps its worker when it ends', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    for (const [name, fn] of Object.entries({ events: stopping.untilAborted, spin: stopping.spinUntilAborted })) {
      const controller = new AbortController()
      const gate = new Gate(scratch, name)
      const { signal } = controller
      const result = pool.applyAsync(fn as never, [gate.reached, gate.opened] as never, { signal, killAfter: 20_000 })
      assert.equal(await gate.arrival(), pid)
      controller.abort()
      assert.equal(await errorOf(result), signal.reason)
      assert.equal(await pool.apply(tasks.pid), pid)
      assert.deepEqual(await scratch.lines(`${name}-opened`), ['AbortError'])
    }
  })

  test("Node's own functions accept the signal of a task", { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const controller = new AbortController()
    const gate = new Gate(scratch)
    const options = { signal: controller.signal, killAfter: 20_000 }
    const result = pool.applyAsync(stopping.sleepLong, [gate.reached], options)
    const pid = await gate.arrival()
    controller.abort()
    await assert.rejects(result.get(), { name: 'AbortError' })
    assert.equal(await pool.apply(tasks.pid), pid)
  })

  test('a task that ignores its signal is ended with its worker after killAfter, and the others continue', {
    timeout
  }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    const controller = new AbortController()
    const [deaf, other] = [new Gate(scratch, 'deaf'), new Gate(scratch, 'other')]
    const options = { signal: controller.signal, killAfter: 100 }
    const result = pool.applyAsync(dying.spinFrom, [deaf.reached], options)
    const survivor = pool.applyAsync(tasks.holdGate, other.args)
    const pid = await deaf.arrival()
    await other.arrival()
    const begin = performance.now()
    controller.abort()
    assert.equal(await errorOf(result), controller.signal.reason)
    await until(() => !isPidRunning(pid), 'the worker is gone')
    assert.ok(performance.now() - begin >= 99)
    other.open()
    assert.equal(await survivor, await other.arrival())
    await until(() => workers().length === 2, 'two workers again')
    assert.deepEqual(await pool.map(tasks.square, range(20), 1), range(20).map(tasks.square))
  })

  test('a signal that is already aborted lets nothing run', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const signal = AbortSignal.abort(new RangeError('before'))
    const args: [string, number, number] = [scratch.file('reports'), 1, 0]
    await assert.rejects(pool.apply(tasks.reportBlock, args, { signal }), { message: 'before' })
    await assert.rejects(pool.applyAsync(tasks.reportBlock, args, { signal }).get(), { message: 'before' })
    await assert.rejects(pool.map(tasks.square, [1], { signal }), { message: 'before' })
    await assert.rejects(pool.imap(tasks.square, [1], { signal }).next(), { message: 'before' })
    assert.equal(await pool.apply(tasks.square, [3]), 9)
    assert.deepEqual(await scratch.lines('reports').catch(() => []), [])
  })

  test('a signal stops map, whatever it does, and imap, whose results end with the reason', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    for (const method of ['map', 'mapAsync', 'imap', 'imapUnordered'] as const) {
      const controller = new AbortController()
      const { signal } = controller
      const gate = new Gate(scratch, method)
      const items = [1, gate.args, ...range(500)]
      const options = { signal, chunksize: 1, killAfter: 50 }
      const results = (pool[method] as AnyMap<unknown, unknown>).call(pool, tasks.holdOrReturn, items, options)
      const error = errorOf('next' in results ? results.next().then(() => exhaust(results)) : results)
      await gate.arrival()
      controller.abort(new RangeError(method))
      assert.equal(await error, signal.reason)
      if ('next' in results) assert.equal((await results.next()).done, true)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
      assert.equal(await pool.apply(tasks.square, [3]), 9)
    }
    const controller = new AbortController()
    const endless = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => {}) }) }
    const waiting = pool.map(tasks.square, endless, { signal: controller.signal })
    controller.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
  })

  test('a signal has no listeners left when the work is done', { timeout }, async () => {
    await using pool = new Pool(1)
    const { signal } = new AbortController()
    await Promise.all(range(50).map(n => pool.apply(tasks.square, [n], { signal })))
    await assert.rejects(pool.apply(tasks.fail, ['no'], { signal }))
    assert.throws(() => pool.applyAsync(tasks.square, [Symbol('only here') as never], { signal }))
    await pool.map(tasks.square, range(50), { signal })
    for await (const _ of pool.imap(tasks.square, range(50), { signal }));
    for await (const _ of pool.imap(tasks.square, range(50), { signal })) break
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  test('a signal leaves no block behind', { timeout }, async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    {
      await using pool = new Pool(1)
      const controller = new AbortController()
      const big = new Uint8Array(10_000)
      const options = { signal: controller.signal, retries: 2, killAfter: 0 }
      const results = range(3000).map(() => pool.applyAsync(tasks.neverWith, [big], options))
      await pool.applyAsync(tasks.square, [2]).wait({ timeout: 50 })
      controller.abort()
      for (const result of results) await assert.rejects(result.get(), { name: 'AbortError' })
      assert.equal(await pool.apply(tasks.square, [3]), 9)
    }
    await untilBlocks(blocks)
  })
})

describe('retries', { timeout: limit(120_000) }, () => {
  test('a task whose worker dies begins again, as it was sent', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    for (const length of [10, 100_000]) {
      const value = new Uint8Array(length)
      value[0] = 7
      value[length - 1] = 9
      const args: [string, number, Uint8Array] = [scratch.file(`died-${length}`), 4, value]
      assert.equal(await pool.apply(stopping.dieUntil, args, { retries: 3 }), 4)
    }
    assert.equal(await pool.apply(stopping.exitUntil, [scratch.file('exits'), 6], { retries: 5 }), 6)
  })

  test('a task is retried as often as requested, and then rejects', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const args: [string, number] = [scratch.file('exits'), 100]
    assert.ok((await errorOf(pool.apply(stopping.exitUntil, args, { retries: 3 }))) instanceof WorkerDiedError)
    assert.equal((await scratch.lines('exits')).length, 4)
    assert.ok((await errorOf(pool.apply(dying.exit, [1], { retries: 0 }))) instanceof WorkerDiedError)
    await assert.rejects(pool.apply(tasks.fail, ['no'], { retries: 5 }), { message: 'no' })
  })

  test('items of map and imap are retried', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    for (const method of ['map', 'imap'] as const) {
      const items = range(60).map(n => ({ n, file: scratch.file(method) }))
      const call = pool[method] as AnyMap<(typeof items)[number], number>
      const results = call.call(pool, stopping.dieOnce, items, { chunksize: 6, retries: 10 })
      const all: number[] = []
      if ('next' in results) for await (const result of results) all.push(result)
      else all.push(...(await results))
      assert.deepEqual(all, range(60).map(tasks.square))
    }
  })

  test('a task is not retried after a timeout', { timeout }, async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    // The module is loaded before the clock runs.
    await pool.apply(dying.whatWasInitialized)
    const gate = new Gate(scratch)
    const failed = errorOf(pool.apply(dying.spinFrom, [gate.reached], { timeout: 300, killAfter: 0, retries: 5 }))
    assert.ok((await failed) instanceof TimeoutError)
    const pid = await gate.arrival()
    assert.notEqual(await pool.apply(tasks.pid), pid)
    assert.equal(await gate.arrival(), pid)
  })
})

describe('currentTask', { timeout: limit(120_000) }, () => {
  test('currentTask is null outside of workers', () => assert.equal(currentTask(), null))

  test('currentTask is the task that the calling async context belongs to', { timeout }, async () => {
    await using pool = new Pool(1, { concurrency: 4 })
    const all = await Promise.all(range(40).map(n => pool.apply(stopping.idTwice, [n % 7])))
    for (const [before, after, isAborted] of all) {
      assert.ok(before > 0)
      assert.equal(after, before)
      assert.equal(isAborted, false)
    }
    assert.equal(new Set(all.map(([id]) => id)).size, 40)
  })

  test('currentTask works after an await', { timeout }, async () => {
    await using one = new Pool(1)
    assert.equal(await one.apply(stopping.idLate, [2]), 1)
    assert.equal(await one.apply(stopping.idLate, [2]), 2)
    await using many = new Pool(1, { concurrency: 4 })
    const ids = await Promise.all(range(20).map(n => many.apply(stopping.idLate, [n % 5])))
    assert.deepEqual(
      ids,
      range(20).map(n => n + 1)
    )
  })

  test('a timer that a task left belongs to that task, even when the next one runs', { timeout }, async () => {
    await using pool = new Pool(1)
    const id = await pool.apply(stopping.askLater, [10])
    await pool.apply(tasks.squareLater, [3])
    await pool.apply(tasks.pidLater, [20])
    assert.equal(await pool.apply(stopping.whoWasAsked), id)
  })
})

test('invalid options are refused at the call', { timeout }, async () => {
  await using pool = new Pool(1)
  const refuse = (options: object, expected: object) => {
    assert.throws(() => pool.applyAsync(tasks.square, [1], options), expected)
    assert.throws(() => pool.mapAsync(tasks.square, [1], options), expected)
    assert.throws(() => pool.imap(tasks.square, [1], options), expected)
  }
  refuse({ retries: -1 }, { name: 'ValueError', message: /retries must be .* got -1/ })
  refuse({ retries: 1.5 }, { name: 'ValueError' })
  refuse({ retries: '1' }, { name: 'TypeError', message: /retries/ })
  refuse({ timeout: '1' }, { name: 'TypeError', message: /timeout/ })
  refuse({ timeout: Number.NaN }, { name: 'RangeError' })
  refuse({ killAfter: '1' }, { name: 'TypeError' })
  refuse({ signal: {} }, { name: 'TypeError', message: /signal must be an AbortSignal/ })
  assert.equal(await pool.apply(tasks.square, [3]), 9)
})
