import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Program, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)
const BEGINNING = `
  import { existsSync } from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { Pool } from '${new URL('../../src/index.js', import.meta.url).href}'
  import * as tasks from '${new URL('../fixtures/pool/tasks.js', import.meta.url).href}'
  import * as dying from '${new URL('../fixtures/pool/dying.js', import.meta.url).href}'
`

/** Starts the program as the leader of a process group, as a shell does. */
async function start(scratch: Scratch, text: string): Promise<Program> {
  await scratch.write('main.mjs', BEGINNING + text)
  return new Program(scratch.file('main.mjs'), { args: [scratch.directory], through: ['setsid'] })
}

/** What a terminal does at Ctrl-C. */
function interrupt(program: Program): void {
  process.kill(-program.pid, 'SIGINT')
}

describe('Ctrl-C', { timeout }, () => {
  for (const [what, text] of [
    ['idle workers', 'await pool.map(tasks.square, [1, 2, 3])'],
    ['workers that start', 'pool.applyAsync(tasks.never)'],
    [
      'workers that spin and that wait',
      `
        pool.applyAsync(dying.spinFrom, [process.argv[2] + '/spin'])
        pool.applyAsync(dying.neverFrom, [process.argv[2] + '/never'])
        while (!existsSync(process.argv[2] + '/spin') || !existsSync(process.argv[2] + '/never')) await sleep(2)
      `
    ]
  ]) {
    test(`Ctrl-C ends a program without a handler, quietly, with ${what}`, async () => {
      await using scratch = await Scratch.create()
      await using program = await start(
        scratch,
        `const pool = new Pool(3); ${text}; console.log('ready'); setInterval(() => {}, 1e6)`
      )
      await program.printed(/ready/)
      interrupt(program)
      assert.deepEqual(await program.outcome, { code: null, signal: 'SIGINT', stdout: 'ready\n', stderr: '' })
      await program.gone()
    })
  }

  test('a program with a handler for Ctrl-C continues, and so does its pool', async () => {
    await using scratch = await Scratch.create()
    await using program = await start(
      scratch,
      `
        const interrupted = new Promise(resolve => process.on('SIGINT', resolve))
        const pool = new Pool(2)
        const pids = [await pool.apply(tasks.pid)]
        const held = pool.apply(tasks.holdGate, [process.argv[2] + '/held', process.argv[2] + '/open'])
        while (!existsSync(process.argv[2] + '/held')) await sleep(2)
        console.log('ready')
        await interrupted
        console.log(await pool.map(tasks.square, [1, 2, 3]))
        await tasks.sleep(1)
        ;(await import('node:fs')).writeFileSync(process.argv[2] + '/open', '')
        console.log(typeof await held)
      `
    )
    await program.printed(/ready/)
    interrupt(program)
    assert.deepEqual(await program.outcome, {
      code: 0,
      signal: null,
      stdout: 'ready\n[ 1, 4, 9 ]\nnumber\n',
      stderr: ''
    })
    await program.gone()
  })

  test('a pool is whole after Ctrl-C with a handler while the workers start', async () => {
    await using scratch = await Scratch.create()
    for (const ms of [0, 20, 50, 100]) {
      await using program = await start(
        scratch,
        `
          const interrupted = new Promise(resolve => process.on('SIGINT', resolve))
          // Nothing else would keep the program alive once it has its results.
          const waiting = setInterval(() => {}, 1e6)
          const pool = new Pool(4)
          const results = pool.map(tasks.square, [1, 2, 3], 1)
          await sleep(${ms})
          console.log('ready')
          await interrupted
          clearInterval(waiting)
          console.log(await results.catch(String))
          console.log(await pool.map(tasks.square, [4, 5, 6], 1).catch(String))
        `
      )
      await program.printed(/ready/)
      interrupt(program)
      const { code, stdout, stderr } = await program.outcome
      // Those that had begun a task when they got the signal ignore it; no task can have been lost.
      assert.deepEqual([code, stdout, stderr], [0, 'ready\n[ 1, 4, 9 ]\n[ 16, 25, 36 ]\n', ''])
      await program.gone()
    }
  })

  test('SIGTERM to the program alone ends its workers, too', async () => {
    await using scratch = await Scratch.create()
    await using program = await start(
      scratch,
      `
        const pool = new Pool(2)
        pool.applyAsync(dying.spinFrom, [process.argv[2] + '/spin'])
        while (!existsSync(process.argv[2] + '/spin')) await sleep(2)
        console.log('ready')
        setInterval(() => {}, 1e6)
      `
    )
    await program.printed(/ready/)
    process.kill(program.pid, 'SIGTERM')
    assert.deepEqual(await program.outcome, { code: null, signal: 'SIGTERM', stdout: 'ready\n', stderr: '' })
    await program.gone()
  })
})
