import assert from 'node:assert/strict'
import type { IMapIterator } from '../../src/index.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, range, reports, Scratch, until } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

/** Hands out the numbers from 0 on without end; says how many, and whether it was closed. */
class Endless {
  taken = 0
  isClosed = false

  async *numbersLater(): AsyncGenerator<number> {
    try {
      for (;;) {
        await null
        yield this.taken++
      }
    } finally {
      this.isClosed = true
    }
  }

  *numbers(): Generator<number> {
    try {
      for (;;) yield this.taken++
    } finally {
      this.isClosed = true
    }
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Results and errors, as an iterator gives them that goes on after an error. */
async function collectAll(items: IMapIterator<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for (;;) {
    assert.ok(all.length < 1000, 'the iterator never comes to its end')
    try {
      const step = await items.next()
      if (step.done === true) return all
      all.push(step.value)
    } catch (error) {
      all.push(String(error))
    }
  }
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await new Promise(resolve => setImmediate(resolve))
    yield item
  }
}

/** Lets everything happen that can without the consumer. */
async function settled(isQuiet: () => unknown): Promise<void> {
  let before = isQuiet()
  for (let quiet = 0; quiet < 5; ) {
    await tasks.sleep(2)
    const now = isQuiet()
    quiet = now === before ? quiet + 1 : 0
    before = now
  }
}

conform('Pool.imap', ({ face, behaviour, pool: shared }) => {
  const { Pool, TimeoutError } = face
  behaviour('imap() gives the results in the order of the items, however long each takes', async () => {
    const pool = shared(2)
    assert.deepEqual(await collect(pool.imap(tasks.square, range(3000))), range(3000).map(tasks.square))
    const delays = range(20).map(n => 20 - n)
    assert.deepEqual(await collect(pool.imap(tasks.block, delays)), delays)
  })

  behaviour('imap() takes sync and async iterables, and an empty input', async () => {
    const pool = shared(2)
    assert.deepEqual(await collect(pool.imap(tasks.square, new Set([1, 2, 3]))), [1, 4, 9])
    assert.deepEqual(await collect(pool.imap(tasks.square, later(range(50)))), range(50).map(tasks.square))
    assert.deepEqual(await collect(pool.imap(tasks.square, [])), [])
    assert.deepEqual(await collect(pool.imap(tasks.square, later<number>([]))), [])
    assert.deepEqual(await collect(pool.imap(tasks.identity<string>, 'añ😀')), ['a', 'ñ', '😀'])
  })

  behaviour('imap() puts several items into a task, also if the chunksize is a number', async () => {
    const pool = shared(2)
    for (const options of [
      2,
      7,
      1000,
      { chunksize: 3 },
      { chunksize: 3, buffersize: 4 },
      { chunksize: 9, buffersize: 2 }
    ]) {
      const items = range(100)
      assert.deepEqual(await collect(pool.imap(tasks.square, items, options)), items.map(tasks.square))
      assert.deepEqual(
        await collect(pool.imap(tasks.squareLater, later(items.slice(0, 9)), options)),
        [0, 1, 4, 9, 16, 25, 36, 49, 64]
      )
    }
  })

  behaviour('imap() runs tasks of more items than fit on the stack', async () => {
    const pool = shared(2)
    for (const results of [
      pool.imap(tasks.identity<number>, range(400_000), 200_000),
      pool.imapUnordered(tasks.identity<number>, range(400_000), 200_000)
    ]) {
      let sum = 0
      for await (const n of results) sum += n
      assert.equal(sum, (399_999 * 400_000) / 2)
    }
  })

  behaviour('several calls of next() at once get one result each, in order', async () => {
    const pool = shared(2)
    const results = pool.imap(tasks.square, range(5))
    const steps = await Promise.all(range(8).map(() => results.next()))
    assert.deepEqual(
      steps.map(({ done, value }) => (done === true ? 'done' : value)),
      [0, 1, 4, 9, 16, 'done', 'done', 'done']
    )
    assert.deepEqual(await results.next(), { done: true, value: undefined })
  })

  behaviour('imap() runs functions that return promises of other libraries, or undefined', async () => {
    const pool = shared(2)
    for (const chunksize of [1, 2]) {
      assert.deepEqual(await collectAll(pool.imap(tasks.thenable, [1, 2, 3], chunksize)), [1, 4, 9])
      assert.deepEqual(await collectAll(pool.imap(tasks.thenableTwice, [1, 2, 3], chunksize)), [1, 4, 9])
      assert.deepEqual(await collectAll(pool.imap(tasks.thenThrows, [1], chunksize)), ['RangeError: get then 1'])
      assert.deepEqual(await collectAll(pool.imap(tasks.nothing, [1, 2], chunksize)), [undefined, undefined])
    }
  })

  behaviour('imapUnordered() gives each result once', async () => {
    const pool = shared(2)
    for (const options of [1, 7, { buffersize: 1 }]) {
      const results = await collect(pool.imapUnordered(tasks.square, range(1000), options))
      assert.deepEqual(
        results.sort((a, b) => a - b),
        range(1000).map(tasks.square)
      )
    }
  })

  behaviour('imapUnordered() gives a result as soon as it is available', async () => {
    await using scratch = await Scratch.create()
    const pool = shared(2)
    const gate = new Gate(scratch)
    const results = pool.imapUnordered(tasks.holdOrReturn, [gate.args, 1, 2, 3, 4, 5])
    assert.deepEqual(
      new Set((await Promise.all(range(5).map(() => results.next()))).map(({ value }) => value)),
      new Set([1, 2, 3, 4, 5])
    )
    gate.open()
    assert.equal((await results.next()).value, 'held')
    assert.equal((await results.next()).done, true)
  })

  behaviour('imapUnordered() with one worker keeps the order of the items', async () => {
    const pool = shared(1)
    assert.deepEqual(await collect(pool.imapUnordered(tasks.square, range(500))), range(500).map(tasks.square))
  })

  for (const method of ['imap', 'imapUnordered'] as const) {
    for (const source of ['numbers', 'numbersLater'] as const) {
      behaviour(
        `the input of ${method} is never further ahead of the consumer than buffersize, for endless ${source}`,
        async () => {
          const pool = shared(2)
          for (const [chunksize, buffersize] of [
            [1, 1],
            [1, 5],
            [3, 6],
            [4, 7]
          ]) {
            const endless = new Endless()
            const results = pool[method](tasks.square, endless[source](), { chunksize, buffersize })
            const used = buffersize - (buffersize % chunksize)
            await until(() => endless.taken === used, 'the buffer is filled')
            for (const consumed of range(5)) {
              await settled(() => endless.taken)
              assert.ok(endless.taken <= consumed + buffersize, `${endless.taken} taken, ${consumed} consumed`)
              const { value } = await results.next()
              if (method === 'imap') assert.equal(value, consumed ** 2)
            }
            await results.return?.()
            assert.equal(endless.isClosed, true)
          }
        }
      )
    }
  }

  behaviour(
    'the input is never further ahead of the consumer than the default buffersize, a small multiple of processes, concurrency and chunksize',
    async () => {
      await using pool = new Pool(2, { concurrency: 2 })
      const endless = new Endless()
      const results = pool.imap(tasks.square, endless.numbers(), 3)
      await until(() => endless.taken >= 12, 'the workers have something to do')
      await settled(() => endless.taken)
      assert.ok(endless.taken <= 2 * 2 * 3 * 8, `${endless.taken} taken`)
      await results.return?.()
    }
  )

  for (const method of ['imap', 'imapUnordered'] as const) {
    behaviour(
      `leaving a loop over ${method} by break closes the input, and items that have not begun never run`,
      async () => {
        await using scratch = await Scratch.create()
        const pool = shared(1)
        const endless = new Endless()
        const gate = new Gate(scratch)
        const file = scratch.file('reports')
        const items = function* () {
          for (const task of endless.numbers()) yield { file, task, gate: task === 3 ? gate.args : undefined }
        }
        let consumed = 0
        for await (const _ of pool[method](tasks.reportOrHold, items(), { buffersize: 50 })) {
          if (++consumed < 3) continue
          // The worker has begun the fourth; the others wait behind it.
          await gate.arrival()
          await until(() => endless.taken >= 50, 'the buffer is filled')
          break
        }
        assert.equal(endless.isClosed, true)
        gate.open()
        await pool.apply(tasks.nothing)
        assert.deepEqual(
          (await reports(scratch)).map(({ task }) => task),
          [0, 1, 2, 3]
        )
      }
    )

    behaviour(`leaving a loop over ${method} by an error of the consumer closes the input`, async () => {
      const pool = shared(2)
      for (const source of ['numbers', 'numbersLater'] as const) {
        const endless = new Endless()
        await assert.rejects(
          async () => {
            for await (const value of pool[method](tasks.square, endless[source]()))
              if (value === 4) throw new RangeError('mine')
          },
          { name: 'RangeError', message: 'mine' }
        )
        assert.equal(endless.isClosed, true)
      }
      assert.equal(await pool.apply(tasks.square, [3]), 9)
    })
  }

  behaviour('leaving a loop ends the next() calls that wait, and those that come later', async () => {
    await using scratch = await Scratch.create()
    const pool = shared(1)
    const gate = new Gate(scratch)
    const results = pool.imap(tasks.holdOrReturn, [gate.args, 1])
    const waiting = results.next()
    await gate.arrival()
    await results.return?.()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    assert.deepEqual(await results.next(), { done: true, value: undefined })
    gate.open()
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })

  behaviour('after a loop was left the pool can be closed and joined', async () => {
    const pool = new Pool(1)
    for await (const _ of pool.imap(tasks.square, new Endless().numbers())) break
    pool.close()
    await pool.join()
  })

  for (const method of ['imap', 'imapUnordered'] as const) {
    behaviour(`an error of one item of ${method} concerns that item alone`, async () => {
      const pool = shared(1)
      for (const chunksize of [1, 2, 10]) {
        assert.deepEqual(await collectAll(pool[method](tasks.failOnThree, range(6), chunksize)), [
          0,
          1,
          2,
          'RangeError: bad 3',
          4,
          5
        ])
      }
      assert.deepEqual(await collectAll(pool[method](tasks.failLater, ['a', 'b'], 2)), [
        'RangeError: a',
        'RangeError: b'
      ])
    })

    behaviour(`for await over ${method} throws the error of an item`, async () => {
      const pool = shared(1)
      const seen: number[] = []
      await assert.rejects(
        async () => {
          for await (const value of pool[method](tasks.failOnThree, range(6))) seen.push(value)
        },
        { message: 'bad 3' }
      )
      assert.deepEqual(seen, [0, 1, 2])
    })

    behaviour(`an input that throws ends the results of ${method}, after those of the items before it`, async () => {
      const pool = shared(1)
      const failing = function* () {
        yield* range(5)
        throw new RangeError('no more')
      }
      for (const source of [() => failing(), () => later(failing())]) {
        for (const chunksize of [1, 3]) {
          const all = await collectAll(pool[method](tasks.square, source(), chunksize))
          if (method === 'imapUnordered')
            all.sort((a, b) => Number(typeof a === 'string') - Number(typeof b === 'string'))
          assert.deepEqual(all, [0, 1, 4, 9, 16, 'RangeError: no more'], `chunksize ${chunksize}`)
        }
      }
    })

    behaviour(`an item or a result of ${method} that cannot cross is an error of that item`, async () => {
      const pool = shared(1)
      const items = [1, Symbol('only here'), 3]
      const all = await collectAll(pool[method](tasks.identity, items))
      assert.deepEqual(all.map(one => (typeof one === 'string' ? one.split(': it')[0] : one)).sort(), [
        1,
        3,
        'SerializationError: cannot send items[1]'
      ])
      const results = await collectAll(pool[method](tasks.symbolResult, [1]))
      assert.match(String(results), /^SerializationError/)
    })

    behaviour(`the loop over ${method} fails if the pool is terminated`, async () => {
      await using scratch = await Scratch.create()
      const pool = new Pool(1)
      const gate = new Gate(scratch)
      const results = pool[method](tasks.holdOrReturn, [gate.args, 1, 2], { buffersize: 2 })
      const waiting = results.next()
      await gate.arrival()
      pool.terminate()
      await assert.rejects(waiting, { name: 'PoolTerminatedError' })
      // One for each item that is left, and then no more.
      const rest = await collectAll(results)
      assert.ok(rest.length <= 2, `${rest}`)
      assert.ok(
        rest.every(one => String(one).startsWith('PoolTerminatedError')),
        `${rest}`
      )
      await pool.join()
    })
  }

  behaviour('next() with a timeout or a signal can fail, and the result is still delivered later', async () => {
    await using scratch = await Scratch.create()
    const pool = shared(1)
    const gate = new Gate(scratch)
    const results = pool.imap(tasks.holdOrReturn, [gate.args, 'b', 'c'])
    await assert.rejects(results.next({ timeout: 0 }), TimeoutError)
    await assert.rejects(results.next({ timeout: 5 }), { name: 'TimeoutError', message: /5 ms/ })
    const controller = new AbortController()
    const aborted = results.next({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(aborted, { message: 'enough' })
    await assert.rejects(results.next({ signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
    const first = results.next({ timeout: limit(50_000) })
    gate.open()
    assert.deepEqual(await first, { done: false, value: 'held' })
    assert.equal((await results.next({ timeout: limit(50_000) })).value, 'b')
    assert.deepEqual(await collect(results), ['c'])
    assert.equal((await results.next({ timeout: 0 })).done, true)
  })
})
