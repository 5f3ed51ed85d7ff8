import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Pool } from '../../../src/index.ts'
import * as dying from '../../fixtures/pool/dying.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { liveBlocks, Program, range, Scratch, until, untilBlocks, workers } from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(120_000)
const LIBRARY = new URL('../../../src/index.js', import.meta.url).href
const DYING = new URL('../../fixtures/pool/dying.js', import.meta.url).href
const TASKS = new URL('../../fixtures/pool/tasks.js', import.meta.url).href

function tries(file: string): number {
  return readFileSync(file, 'utf8').trim().split('\n').length
}

describe('an initializer that fails', { timeout }, () => {
  test('an initializer that fails makes waiting tasks reject with its error after a few tries, and the workers are gone', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    await using scratch = await Scratch.create()
    const file = scratch.file('tries')
    const pool = new Pool(2, { initializer: dying.failToInitialize, initargs: [file, 'on purpose, to initialize'] })
    const expected = { name: 'RangeError', message: 'on purpose, to initialize' }
    const results = [...range(3).map(n => pool.apply(tasks.square, [n])), pool.map(tasks.square, [1, 2])]
    for (const result of await Promise.allSettled(results)) {
      assert.equal(result.status, 'rejected')
      assert.deepEqual({ name: result.reason.name, message: result.reason.message }, expected)
      assert.match(result.reason.stack, /failToInitialize/)
    }
    // What comes later is refused for the same reason.
    await assert.rejects(pool.apply(tasks.square, [1]), expected)
    assert.throws(() => pool.imap(tasks.square, [1]), expected)
    pool.close()
    await pool.join()
    assert.ok(tries(file) >= 2 && tries(file) <= 10, `${tries(file)} tries`)
    await until(() => workers().length === 0, 'no worker is left')
    await untilBlocks(blocks)
  })

  test('an initializer that fails makes each item of an imap reject, and the imap ends', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1, {
      initializer: dying.failToInitialize,
      initargs: [scratch.file('tries'), 'on purpose']
    })
    const results = pool.imap(tasks.square, [1, 2])
    await assert.rejects(results.next(), { name: 'RangeError', message: 'on purpose' })
    await assert.rejects(results.next(), { name: 'RangeError', message: 'on purpose' })
    assert.equal((await results.next()).done, true)
  })

  test('an initializer that fails a few times, and then succeeds, lets the tasks run', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('tries')
    await using pool = new Pool(1, { initializer: dying.failToInitializeUntil, initargs: [file, 3] })
    assert.deepEqual(await pool.map(tasks.square, [1, 2, 3]), [1, 4, 9])
    assert.equal(tries(file), 3)
  })

  test('an initializer that ends its process gives an error that says how', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('tries')
    await using pool = new Pool(1, { initializer: dying.exitInInitializer, initargs: [file, 5] })
    await assert.rejects(pool.apply(tasks.square, [1]), {
      name: 'MultiprocessError',
      code: 'ERR_WORKER_START',
      message: /exit code 5/
    })
    assert.ok(tries(file) >= 2 && tries(file) <= 10, `${tries(file)} tries`)
  })

  test('an initializer whose module cannot be imported gives the error of the import', async () => {
    await using scratch = await Scratch.create({
      'broken.mjs': "throw new RangeError('at import'); export const a = 1"
    })
    await using pool = new Pool(1, { initializer: { module: scratch.url('broken.mjs'), export: 'a' } })
    await assert.rejects(pool.apply(tasks.square, [1]), error => {
      assert.match(String(error), /broken\.mjs.*at import/)
      return true
    })
  })

  test('a program whose pool cannot start ends, with and without tasks', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Pool } from '${LIBRARY}'
        import { failToInitialize } from '${DYING}'
        import { square } from '${TASKS}'
        const pool = new Pool(2, { initializer: failToInitialize, initargs: [process.argv[2], 'on purpose'] })
        if (process.argv[3] === 'task') console.log(await pool.apply(square, [1]).catch(error => error.message))
      `
    })
    for (const [kind, printed] of [
      ['task', 'on purpose\n'],
      ['none', '']
    ]) {
      await using program = new Program(scratch.file('main.mjs'), { args: [scratch.file(kind), kind] })
      const { code, stdout } = await program.outcome
      assert.deepEqual([code, stdout], [0, printed])
      await program.gone()
    }
  })

  test('a pool that is closed between two tries can be joined', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { setTimeout as sleep } from 'node:timers/promises'
        import { Pool } from '${LIBRARY}'
        import { failToInitialize } from '${DYING}'
        import { workers } from '${new URL('../../fixtures/pool/tools.js', import.meta.url).href}'
        const pool = new Pool(1, { initializer: failToInitialize, initargs: [process.argv[2], 'on purpose'] })
        while (workers().length > 0) await sleep(1)
        pool.close()
        await pool.join()
        console.log('joined')
      `
    })
    for (const round of range(3)) {
      await using program = new Program(scratch.file('main.mjs'), { args: [scratch.file(`${round}`)] })
      const { code, stdout } = await program.outcome
      assert.deepEqual([code, stdout], [0, 'joined\n'])
      await program.gone()
    }
  })
})
