import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MultiprocessError, Pool, SerializationError } from '../../src/index.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { liveBlocks, range, until, untilBlocks } from '../fixtures/pool/tools.ts'
import { runProgram } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)
const LIBRARY = new URL('../../src/index.js', import.meta.url).href
const TASKS = new URL('../fixtures/pool/tasks.js', import.meta.url).href

async function errorOf(promise: PromiseLike<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  assert.fail('it did not reject')
}

describe('an error that a task throws', { timeout }, () => {
  test('an error that a task throws arrives with its class, message, fields and cause', async () => {
    await using pool = new Pool(1)
    const error = (await errorOf(pool.apply(tasks.failWithFields))) as NodeJS.ErrnoException & { detail: unknown }
    assert.ok(error instanceof RangeError)
    assert.equal(error.message, 'with fields')
    assert.equal(error.code, 'E_FIELDS')
    assert.deepEqual(error.detail, { list: [1, 2] })
    assert.ok(error.cause instanceof TypeError)
    assert.equal(error.cause.message, 'the cause')
  })

  test('an error that a task throws arrives with the stack of the worker', async () => {
    await using pool = new Pool(1)
    const error = await errorOf(pool.apply(tasks.fail, ['no']))
    assert.match(error.stack ?? '', /^RangeError: no\n +at fail \(file:.*fixtures\/pool\/tasks\.js:\d+:\d+\)/)
    const { cause } = await errorOf(pool.apply(tasks.failWithFields))
    assert.match((cause as Error).stack ?? '', /^TypeError: the cause\n +at failWithFields /)
  })

  test('an error of a class of its own keeps its name, message and fields, and arrives as the nearest built-in class', async () => {
    await using pool = new Pool(1)
    const error = (await errorOf(pool.apply(tasks.failWithClass, [7]))) as tasks.QuotaError
    assert.ok(error instanceof RangeError)
    assert.equal(error.name, 'QuotaError')
    assert.equal(error.message, 'no more than 7')
    assert.equal(error.limit, 7)
    assert.match(error.stack ?? '', /failWithClass/)
  })

  test('an AggregateError arrives with its errors', async () => {
    await using pool = new Pool(1)
    const error = (await errorOf(pool.apply(tasks.failWithMany))) as AggregateError
    assert.ok(error instanceof AggregateError)
    assert.deepEqual(
      error.errors.map(one => `${one}`),
      ['RangeError: one', 'SyntaxError: two']
    )
    assert.ok(error.errors[1] instanceof SyntaxError)
  })

  test('errors of async functions and of thenables arrive', async () => {
    await using pool = new Pool(1)
    await assert.rejects(pool.apply(tasks.failLater, ['no']), { name: 'RangeError', message: 'no' })
    // The first call of a function takes another way than those that follow.
    for (const _ of range(3)) {
      await assert.rejects(pool.apply(tasks.thenableThrows, [1]), { name: 'RangeError', message: 'then 1' })
      await assert.rejects(pool.apply(tasks.thenThrows, [1]), { name: 'RangeError', message: 'get then 1' })
    }
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })

  test('a thenable that answers twice gives one result, and no other task gets the second', async () => {
    await using pool = new Pool(1)
    const results = await Promise.all(
      range(300).flatMap(n => [pool.apply(tasks.thenableTwice, [n]), pool.apply(tasks.identity<number>, [n])])
    )
    assert.deepEqual(
      results,
      range(300).flatMap(n => [n * n, n])
    )
  })

  test('a thrown value that is not an error arrives as it was thrown', async () => {
    await using pool = new Pool(1)
    for (const value of [undefined, null, 0, '', 'text', { code: 7 }, [1, 2]]) {
      const results = await Promise.allSettled([pool.apply(tasks.throwValue, [value])])
      assert.deepEqual(results, [{ status: 'rejected', reason: value }])
    }
  })

  test('one failure does not affect the worker and the other tasks', async () => {
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    const results = await Promise.allSettled(
      range(100).map(n => (n % 3 === 0 ? pool.apply(tasks.fail, [`${n}`]) : pool.apply(tasks.square, [n])))
    )
    for (const [n, result] of results.entries()) {
      if (n % 3 === 0) assert.equal(result.status === 'rejected' && result.reason.message, `${n}`)
      else assert.deepEqual(result, { status: 'fulfilled', value: n * n })
    }
    assert.equal(await pool.apply(tasks.pid), pid)
  })
})

describe('what cannot cross', { timeout }, () => {
  test('an argument that cannot cross makes applyAsync throw at the call and apply reject, and nothing is lost', async () => {
    await using pool = new Pool(1)
    await pool.apply(tasks.identity, [1])
    const blocks = liveBlocks()
    const before = pool.apply(tasks.square, [2])
    const bad = [{ ok: 1, list: [0, Symbol('only here')] }, tasks.bytes(100_000)]
    for (const _ of range(5)) {
      assert.throws(
        () => pool.applyAsync(tasks.identity, bad as never),
        error => {
          assert.ok(error instanceof SerializationError)
          assert.equal(error.code, 'ERR_SERIALIZATION')
          assert.equal(error.path, 'args[0].list[1]')
          return true
        }
      )
      await assert.rejects(pool.apply(tasks.identity, bad as never), { name: 'SerializationError' })
    }
    const after = pool.apply(tasks.square, [3])
    assert.deepEqual(await Promise.all([before, after]), [4, 9])
    await until(() => liveBlocks() <= blocks + 2, 'no block of the arguments is left')
  })

  test('an argument that cannot cross is refused while thousands of tasks wait', async () => {
    await using pool = new Pool(1)
    const results = range(5000).map(n => pool.apply(tasks.square, [n]))
    assert.throws(() => pool.applyAsync(tasks.identity, [Symbol('only here')]), SerializationError)
    results.push(pool.apply(tasks.square, [5000]))
    assert.deepEqual(await Promise.all(results), range(5001).map(tasks.square))
  })

  test('a getter of an argument that throws makes the call throw its error', async () => {
    await using pool = new Pool(1)
    const bad = {
      get value(): never {
        throw new RangeError('from the getter')
      }
    }
    assert.throws(() => pool.applyAsync(tasks.identity, [bad]), { name: 'RangeError', message: 'from the getter' })
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })

  test('a result that cannot cross makes only its task reject, with the path of the value', async () => {
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    const [first, bad, last] = await Promise.allSettled([
      pool.apply(tasks.square, [2]),
      pool.apply(tasks.nestedSymbolResult),
      pool.apply(tasks.square, [3])
    ])
    assert.deepEqual(
      [first, last].map(one => one.status === 'fulfilled' && one.value),
      [4, 9]
    )
    assert.ok(bad.status === 'rejected' && bad.reason instanceof SerializationError)
    assert.match(bad.reason.path, /list\[1\]\.secret$/)
    assert.equal(await pool.apply(tasks.pid), pid)
  })

  test('a field of an error, or a thrown value, that cannot cross makes the task reject, and the worker continues', async () => {
    await using pool = new Pool(1)
    const pid = await pool.apply(tasks.pid)
    const error = await errorOf(pool.apply(tasks.throwUnsendable))
    assert.match(`${error}`, /socket|Symbol/)
    await assert.rejects(pool.apply(tasks.throwSymbol), MultiprocessError)
    assert.equal(await pool.apply(tasks.pid), pid)
  })
})

describe('an error that nobody asks for', { timeout }, () => {
  test('an unread error in an AsyncResult raises no unhandledRejection', async () => {
    const { code, stdout, stderr } = await runProgram(`
      import { Pool } from '${LIBRARY}'
      import { fail, square } from '${TASKS}'
      process.on('unhandledRejection', error => console.log('unhandled', error))
      const pool = new Pool(1)
      const result = pool.applyAsync(fail, ['no'])
      await pool.apply(square, [1])
      console.log(result.ready(), result.successful())
      pool.applyAsync(square, [1])
      pool.terminate()
    `)
    assert.deepEqual([code, stdout, stderr], [0, 'true false\n', ''])
  })

  test('an unread error in a promise of apply is an unhandledRejection like any other', async () => {
    const { code, stderr } = await runProgram(`
      import { Pool } from '${LIBRARY}'
      import { fail } from '${TASKS}'
      new Pool(1).apply(fail, ['nobody asks'])
    `)
    assert.equal(code, 1)
    assert.match(stderr, /RangeError: nobody asks/)
  })

  test('an error that a callback throws is an uncaught exception, after all results are delivered', async () => {
    const { code, stdout } = await runProgram(`
      import { Pool } from '${LIBRARY}'
      import { square } from '${TASKS}'
      const seen = []
      process.on('uncaughtException', error => seen.push(error.message))
      const pool = new Pool(1)
      const results = [1, 2, 3].map(n => pool.applyAsync(square, [n], { callback: () => { throw new Error('mine ' + n) } }))
      console.log(JSON.stringify(await Promise.all(results)))
      await pool.apply(square, [4])
      console.log(seen.join())
    `)
    assert.deepEqual([code, stdout], [0, '[1,4,9]\nmine 1,mine 2,mine 3\n'])
  })
})

test('errors and refused results leave no block behind', { timeout }, async () => {
  await new Pool(1)[Symbol.asyncDispose]()
  const blocks = liveBlocks()
  {
    await using pool = new Pool(2)
    const long = 'x'.repeat(5000)
    await Promise.allSettled(
      range(100).flatMap(() => [
        pool.apply(tasks.fail, [long]),
        pool.apply(tasks.symbolResult),
        pool.apply(tasks.identity, [long])
      ])
    )
    await until(() => liveBlocks() <= blocks + 10, 'the blocks of the messages are given back')
  }
  await untilBlocks(blocks)
})
