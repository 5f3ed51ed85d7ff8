import assert from 'node:assert/strict'
import type { AsyncResult, Pool } from '../../src/index.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, Scratch } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

conform('AsyncResult', ({ face, behaviour, pool: shared }) => {
  const { Pool, TimeoutError, ValueError } = face

  /** A result that stays pending until the gate opens. */
  async function withPending(
    use: (result: AsyncResult<number>, open: () => void, pool: Pool) => Promise<void>
  ): Promise<void> {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const gate = new Gate(scratch)
    const result = pool.applyAsync(tasks.awaitGate, gate.args)
    await use(result, () => gate.open(), pool)
  }

  behaviour('get() returns the result, as often as it is called', async () => {
    const pool = shared(1)
    const result = pool.applyAsync(tasks.square, [7])
    assert.equal(await result.get(), 49)
    assert.equal(await result.get(), 49)
    assert.equal(await result.get({ timeout: 0 }), 49)
    assert.equal(await result, 49)
    assert.deepEqual(await Promise.all([result, result.get(), result.wait()]), [49, 49, true])
  })

  behaviour('get() throws the error of the task, as often as it is called', async () => {
    const pool = shared(1)
    const result = pool.applyAsync(tasks.fail, ['no'])
    const expected = { name: 'RangeError', message: 'no' }
    await assert.rejects(result.get(), expected)
    await assert.rejects(result.get(), expected)
    await assert.rejects(async () => await result, expected)
    assert.equal(await result.wait(), true)
  })

  behaviour('ready() tells whether the task has ended, and successful() whether it succeeded', async () => {
    await withPending(async (result, open) => {
      assert.equal(result.ready(), false)
      assert.throws(() => result.successful(), ValueError)
      open()
      assert.equal(await result.wait(), true)
      assert.equal(result.ready(), true)
      assert.equal(result.successful(), true)
    })
    const pool = shared(1)
    const failed = pool.applyAsync(tasks.fail, ['no'])
    await failed.wait()
    assert.equal(failed.ready(), true)
    assert.equal(failed.successful(), false)
  })

  behaviour('a task goes on after a wait() or get() whose timeout expires', async () => {
    await withPending(async (result, open) => {
      assert.equal(await result.wait({ timeout: 0 }), false)
      assert.equal(await result.wait({ timeout: 5 }), false)
      assert.equal(await result.wait({ timeout: -1 }), false)
      await assert.rejects(result.get({ timeout: 0 }), TimeoutError)
      await assert.rejects(result.get({ timeout: 5 }), { name: 'TimeoutError', code: 'ERR_TIMEOUT', message: /5 ms/ })
      const later = result.get({ timeout: limit(50_000) })
      open()
      assert.equal(typeof (await later), 'number')
      assert.equal(await result.wait({ timeout: 5 }), true)
    })
  })

  behaviour('a timeout of more milliseconds than a timer takes is a long one', async () => {
    await withPending(async (result, open) => {
      const waits = [2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY].map(timeout =>
        result.wait({ timeout })
      )
      assert.equal(await result.wait({ timeout: 20 }), false)
      open()
      assert.deepEqual(await Promise.all(waits), [true, true, true, true])
    })
  })

  behaviour('a timeout that is not a number of milliseconds is refused', async () => {
    await withPending(async result => {
      await assert.rejects(async () => result.wait({ timeout: '5' as never }), {
        name: 'TypeError',
        message: /timeout/
      })
      await assert.rejects(async () => result.get({ timeout: Number.NaN }), { name: 'RangeError', message: /timeout/ })
    })
  })

  behaviour('a signal ends the waiting, not the task', async () => {
    await withPending(async (result, open) => {
      const reason = new Error('enough')
      await assert.rejects(result.wait({ signal: AbortSignal.abort(reason) }), reason)
      const controller = new AbortController()
      const waits = [
        result.wait({ signal: controller.signal }),
        result.get({ signal: controller.signal, timeout: limit(50_000) })
      ]
      const other = result.get()
      controller.abort(reason)
      for (const wait of waits) await assert.rejects(wait, reason)
      assert.equal(result.ready(), false)
      open()
      assert.equal(typeof (await other), 'number')
    })
  })

  behaviour('then() works with both handlers, with one, and with none', async () => {
    const pool = shared(1)
    const good = pool.applyAsync(tasks.square, [3])
    const bad = pool.applyAsync(tasks.fail, ['no'])
    assert.equal(await good.then(value => value + 1), 10)
    assert.equal(await bad.then(undefined, error => (error as Error).message), 'no')
    assert.equal(await good.then(), 9)
    await assert.rejects(async () => bad.then(() => 1), { message: 'no' })
    assert.deepEqual(await Promise.allSettled([good, bad]).then(all => all.map(({ status }) => status)), [
      'fulfilled',
      'rejected'
    ])
    assert.equal(await Promise.race([good, new Promise<never>(() => {})]), 9)
  })

  behaviour('every waiter for one result gets it', async () => {
    await withPending(async (result, open) => {
      const all = Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? result.get() : result.then()))
      open()
      assert.equal(new Set(await Promise.all(all)).size, 1)
    })
  })

  behaviour('callback gets the result and errorCallback gets the error, each once', async () => {
    const pool = shared(2)
    const calls: unknown[] = []
    const callback = (value: number) => calls.push(['callback', value])
    const errorCallback = (error: unknown) => calls.push(['errorCallback', (error as Error).message])
    await pool.applyAsync(tasks.square, [3], { callback, errorCallback })
    await pool.applyAsync(tasks.fail, ['no'], { callback, errorCallback }).wait()
    assert.equal(await pool.apply(tasks.square, [4], { callback, errorCallback }), 16)
    await assert.rejects(pool.apply(tasks.fail, ['never'], { callback, errorCallback }))
    // One more round trip: whatever would be called twice has been by then.
    await pool.apply(tasks.nothing)
    assert.deepEqual(calls, [
      ['callback', 9],
      ['errorCallback', 'no'],
      ['callback', 16],
      ['errorCallback', 'never']
    ])
  })

  behaviour(
    'the result is ready when callback runs, and callback runs even if nothing waits for the result',
    async () => {
      const pool = shared(1)
      const isReady = await new Promise<boolean>(resolve => {
        const result = pool.applyAsync(tasks.square, [3], {
          callback: () => resolve(result.ready() && result.successful())
        })
      })
      assert.equal(isReady, true)
    }
  )

  behaviour('a callback can give the pool more tasks', async () => {
    const pool = shared(1)
    let left = 100
    await new Promise<void>(resolve => {
      const next = () => {
        if (--left === 0) resolve()
        else void pool.applyAsync(tasks.square, [left], { callback: next })
      }
      next()
    })
    assert.equal(left, 0)
  })

  behaviour(
    'errorCallback is called once for a running task and for a waiting task if the pool is terminated',
    async () => {
      await using scratch = await Scratch.create()
      const gate = new Gate(scratch)
      const pool = new Pool(1)
      const calls = new Map<number, number>()
      const count = (n: number) => () => calls.set(n, (calls.get(n) ?? 0) + 1)
      const results = [pool.applyAsync(tasks.holdGate, gate.args, { errorCallback: count(0) })]
      for (let n = 1; n < 10; n++) results.push(pool.applyAsync(tasks.square, [n], { errorCallback: count(n) }))
      await gate.arrival()
      pool.terminate()
      await pool.join()
      for (const result of results) await assert.rejects(result.get(), { name: 'PoolTerminatedError' })
      assert.deepEqual(
        [...calls].sort(),
        Array.from({ length: 10 }, (_, n) => [n, 1])
      )
    }
  )

  behaviour('callbacks that are not functions are refused at the call', async () => {
    const pool = shared(1)
    assert.throws(() => pool.applyAsync(tasks.square, [1], { callback: 7 as never }), TypeError)
    await assert.rejects(pool.apply(tasks.square, [1], { errorCallback: 'x' as never }), TypeError)
  })
})
