import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { withoutDropped } from '../fixtures/pool/dropped.ts'
import { type Outcome, Program, runProgram, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)
const BEGINNING = `
  import { existsSync, writeFileSync } from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { Pool } from '${new URL('../../src/index.js', import.meta.url).href}'
  import * as tasks from '${new URL('../fixtures/pool/tasks.js', import.meta.url).href}'
  import * as dying from '${new URL('../fixtures/pool/dying.js', import.meta.url).href}'
  import * as living from '${new URL('../fixtures/pool/living.js', import.meta.url).href}'
`

/** Runs a program; no process of its family is left when it has ended. */
async function run(text: string): Promise<Outcome> {
  await using scratch = await Scratch.create({ 'main.mjs': BEGINNING + text })
  await using program = new Program(scratch.file('main.mjs'), { args: [scratch.directory] })
  const outcome = await program.outcome
  await program.gone()
  return outcome
}

async function assertPrints(text: string, stdout: string, code = 0): Promise<void> {
  const outcome = await run(text)
  assert.deepEqual({ ...outcome, stderr: withoutDropped(outcome.stderr) }, { code, signal: null, stdout, stderr: '' })
}

describe('a program that never closes its pool ends by itself', { timeout }, () => {
  test('a program ends by itself once the tasks are done', async () => {
    await assertPrints(
      'const pool = new Pool(2); console.log(await pool.map(tasks.square, [1, 2, 3]))',
      '[ 1, 4, 9 ]\n'
    )
  })

  test('a program ends by itself if there was never a task', async () => {
    await assertPrints("new Pool(2); console.log('done')", 'done\n')
  })

  test('a program ends by itself if no code waits for the results', async () => {
    await assertPrints(
      `
        const pool = new Pool(2)
        const file = process.argv[2] + '/done'
        pool.applyAsync(tasks.reportSleep, [file, 1, 50])
        pool.applyAsync(tasks.square, [2], { callback: () => console.log('called') })
        process.on('exit', () => console.log(existsSync(file)))
      `,
      'called\ntrue\n'
    )
  })

  test('a program ends by itself when workers have open timers and servers', async () => {
    await assertPrints(
      `
        const pool = new Pool(1)
        await pool.apply(living.startTicking, [process.argv[2] + '/ticked', 5])
        console.log(await pool.apply(living.startServer) > 0)
      `,
      'true\n'
    )
  })

  test('a program ends by itself when a worker has died, and when workers retire', async () => {
    await assertPrints(
      `
        const pool = new Pool(2, { maxTasksPerChild: 1 })
        console.log(await pool.apply(dying.exit, [3]).catch(error => error.exitcode))
        console.log(await pool.map(tasks.square, [1, 2, 3], 1))
      `,
      '3\n[ 1, 4, 9 ]\n'
    )
  })

  test('a program ends by itself when an imap was left half-way', async () => {
    await assertPrints(
      `
        const pool = new Pool(1)
        const numbers = function* () { for (let n = 0; ; n++) yield n }
        const results = pool.imap(tasks.square, numbers())
        console.log((await results.next()).value, (await results.next()).value)
      `,
      '0 1\n'
    )
  })
})

describe('a program goes on', { timeout }, () => {
  test('a program continues as long as a task is pending, even if nothing else keeps it alive', async () => {
    await assertPrints(
      `
        const pool = new Pool(1)
        pool.apply(tasks.sleep, [300]).then(() => console.log('slept'))
      `,
      'slept\n'
    )
  })

  test('a program continues as long as a task waits for a worker that has to be started again', async () => {
    await assertPrints(
      `
        const pool = new Pool(1)
        pool.apply(dying.exit, [3]).catch(error => console.log(error.exitcode))
        pool.apply(tasks.square, [3]).then(n => console.log(n))
      `,
      '3\n9\n'
    )
  })

  test('a program continues as long as another pool has work, after one is terminated with thousands of tasks', async () => {
    await assertPrints(
      `
        const first = new Pool(1)
        const second = new Pool(1)
        const results = Array.from({ length: 5000 }, () => first.applyAsync(tasks.never))
        const mapped = first.map(tasks.never, [1, 2, 3]).catch(error => console.log(error.name))
        await second.apply(tasks.square, [1])
        second.apply(tasks.sleep, [300]).then(() => console.log('slept'))
        first.terminate()
        await mapped
      `,
      'PoolTerminatedError\nslept\n'
    )
  })

  test('a program continues while it waits for join', async () => {
    await assertPrints(
      `
        const pool = new Pool(1)
        pool.apply(tasks.sleep, [100]).then(() => console.log('slept'))
        pool.close()
        await pool.join()
        console.log('joined')
        const other = new Pool(1)
        other.terminate()
        await other.join()
        console.log('joined')
      `,
      'slept\njoined\njoined\n'
    )
  })
})

test('a loop over an endless input continues after the pool is closed, and leaving it ends the pool', {
  timeout
}, async () => {
  await using scratch = await Scratch.create({
    'main.mjs': `
      ${BEGINNING}
      const numbers = function* () { for (let n = 0; ; n++) yield n }
      for (const method of ['imap', 'imapUnordered']) {
        const pool = new Pool(1)
        let turns = 0
        setInterval(() => turns++, 1).unref()
        for await (const n of pool[method](tasks.square, numbers())) {
          if (n === 4) pool.close()
          if (n > 10_000 && turns > 5) break
        }
        await pool.join()
        console.log('joined')
      }
    `
  })
  // A program whose event loop does not turn has to be killed.
  await using program = new Program(scratch.file('main.mjs'), {
    execArgv: ['--max-old-space-size=1000'],
    through: ['timeout', '-s', 'KILL', '20']
  })
  assert.equal((await program.outcome).stdout, 'joined\njoined\n')
  await program.gone()
})

describe('no worker is left', { timeout }, () => {
  const busy = `
    const pool = new Pool(3)
    pool.applyAsync(dying.spinFrom, [process.argv[2] + '/spin'])
    pool.applyAsync(tasks.holdGate, [process.argv[2] + '/held', process.argv[2] + '/open'])
    while (!existsSync(process.argv[2] + '/spin') || !existsSync(process.argv[2] + '/held')) await sleep(2)
  `

  test('no worker is left after process.exit with unfinished tasks', async () => {
    await assertPrints(`${busy} process.exit(7)`, '', 7)
  })

  test('no worker is left after an uncaught error', async () => {
    const { code, stderr } = await run(`${busy} throw new RangeError('on purpose')`)
    assert.equal(code, 1)
    assert.match(stderr, /^.*RangeError: on purpose\n/s)
    assert.doesNotMatch(stderr, /WorkerDied|PoolTerminated/)
  })

  test('no worker is left after terminate without join', async () => {
    await assertPrints(`${busy} pool.terminate(); console.log('end')`, 'end\n')
  })

  test('no worker is left after the program was killed', async () => {
    const outcome = await run(`${busy} process.kill(process.pid, 'SIGKILL')`)
    assert.deepEqual(outcome, { code: null, signal: 'SIGKILL', stdout: '', stderr: '' })
  })
})

describe('a module that makes a pool as it is loaded', { timeout }, () => {
  const library = new URL('../../src/index.js', import.meta.url).href

  test('a module that creates a pool while it is loaded learns so from the first worker, and there is no second one', async () => {
    await using scratch = await Scratch.create({
      'bomb.mjs': `
        import { Pool } from '${library}'
        console.log('loaded')
        export function identity(n) { return n }
        const pool = new Pool(1)
        export const result = await pool.apply(identity, [7]).catch(error => error.message)
      `,
      'main.mjs': "import { result } from './bomb.mjs'; console.log(result)"
    })
    await using program = new Program(scratch.file('main.mjs'))
    const { code, stdout } = await program.outcome
    assert.equal(code, 0)
    assert.match(stdout, /^loaded\nloaded\n.*bomb\.mjs.*isMainProcess\n$/s)
    await program.gone()
  })

  test('a module may create a pool while it is loaded if isMainProcess is true', async () => {
    await using scratch = await Scratch.create({
      'guarded.mjs': `
        import { isMainProcess, Pool } from '${library}'
        export function identity(n) { return n }
        export const result = isMainProcess ? await new Pool(1).apply(identity, [7]) : undefined
      `,
      'main.mjs': "import { result } from './guarded.mjs'; console.log(result)"
    })
    await using program = new Program(scratch.file('main.mjs'))
    assert.deepEqual(await program.outcome, { code: 0, signal: null, stdout: '7\n', stderr: '' })
    await program.gone()
  })
})

test("the output of workers is the program's output", { timeout }, async () => {
  await assertPrints(
    `
      const pool = new Pool(1)
      await pool.apply(console.log, ['from', 'a worker'])
      console.log('from the program')
    `,
    'from a worker\nfrom the program\n'
  )
})

test('the main program does not run again in a worker', { timeout }, async () => {
  const { code, stdout, stderr } = await runProgram(`
    ${BEGINNING}
    console.log('main')
    export const local = n => n
    const pool = new Pool(1)
    console.log(await pool.apply(local, [1]).catch(error => error.name))
    console.log(await pool.apply(tasks.square, [3]))
  `)
  assert.deepEqual([code, stdout, stderr], [0, 'main\n1\n9\n', ''])
})
