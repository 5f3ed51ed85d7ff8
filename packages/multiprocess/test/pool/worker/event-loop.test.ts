import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Pool } from '../../../src/index.ts'
import * as living from '../../fixtures/pool/living.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { cpuTicks, range, Scratch, until, workers } from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(120_000)

describe('a worker’s event loop goes on', { timeout }, () => {
  test("a worker's timer runs while the worker idles", async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const file = scratch.file('ticked')
    await pool.apply(living.startTicking, [file, 20])
    await until(() => existsSync(file), 'the timer has ticked 20 times')
    const ticked = await pool.apply(living.ticked)
    assert.ok(ticked >= 20, `${ticked} ticks`)
    await pool.apply(living.stopTicking)
    assert.equal(await pool.apply(living.ticked), await pool.apply(living.ticked))
  })

  test("a worker's timer runs while task follows task", async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const file = scratch.file('ticked')
    await pool.apply(living.startTicking, [file, 20])
    await until(() => {
      // Always some that wait, so that the worker never idles.
      for (const n of range(200)) void pool.applyAsync(tasks.square, [n])
      return existsSync(file)
    }, 'the timer has ticked 20 times')
    await pool.apply(living.stopTicking)
  })

  test("a worker's server answers while the worker idles and while tasks come", async () => {
    await using pool = new Pool(1)
    const port = await pool.apply(living.startServer)
    const url = `http://127.0.0.1:${port}/`
    assert.equal(await living.get(url), '1')
    await tasks.sleep(50)
    assert.equal(await living.get(url), '2')
    assert.equal(await pool.apply(tasks.square, [3]), 9)
    assert.equal(await living.get(url), '3')
    let isOver = false
    const stream = (async () => {
      while (!isOver) await pool.map(tasks.square, range(50), 1)
    })()
    for (const n of range(10)) assert.equal(await living.get(url), `${n + 4}`)
    isOver = true
    await stream
    assert.equal(await pool.apply(living.stopServer), 13)
    assert.equal(await pool.apply(tasks.square, [4]), 16)
  })

  test('a worker sends a request to the server of another worker', async () => {
    await using pool = new Pool(2)
    const port = await pool.apply(living.startServer)
    const answers = await Promise.all(range(10).map(() => pool.apply(living.get, [`http://127.0.0.1:${port}/`])))
    assert.deepEqual(
      answers.map(Number).sort((a, b) => a - b),
      range(10).map(n => n + 1)
    )
  })

  test("a worker's promises settle although no task waits for them", async () => {
    await using scratch = await Scratch.create({ source: 'text' })
    await using pool = new Pool(1)
    const file = scratch.file('target')
    assert.equal(await pool.apply(living.leaveBehind, [scratch.file('source'), file]), undefined)
    await until(
      () => existsSync(file) && readFileSync(file, 'utf8') === 'text',
      'the promises have gone on to their end'
    )
  })

  test("a worker's compression and key derivation end although no task waits for them", async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    const file = scratch.file('derived')
    await pool.apply(living.leaveWorkBehind, [file])
    await until(() => existsSync(file) && readFileSync(file).length === 32, 'the work has gone on to its end')
  })

  test('a worker sleeps again once nothing is left open', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1)
    await pool.apply(living.startTicking, [scratch.file('ticked'), 5])
    await until(() => existsSync(scratch.file('ticked')), 'the timer has ticked')
    await pool.apply(living.stopTicking)
    const [pid] = workers()
    let before = cpuTicks(pid)
    await until(() => {
      const now = cpuTicks(pid)
      const isQuiet = now === before
      before = now
      tasks.block(30)
      return isQuiet
    }, 'the worker rests')
    await tasks.sleep(300)
    assert.ok(cpuTicks(pid) - before <= 1)
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })
})
