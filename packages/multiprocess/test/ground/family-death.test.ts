import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { killFamilies } from '../fixtures/process/kills.ts'
import { linesOf, Program, Scratch, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

/** Starts children as its arguments say, each of which writes a line to the file. */
const MAIN = `
  import { Process } from '%LIBRARY%'
  import * as families from '%FAMILIES%'
  const [target, ...args] = JSON.parse(process.argv[2])
  new Process({ target: families[target], args }).start()
  console.log('started')
  setInterval(() => {}, 60_000)`

async function startFamily(scratch: Scratch, plan: unknown[], processes: number): Promise<Program> {
  const file = scratch.file('running')
  const program = new Program(scratch.file('main.mjs'), { args: [JSON.stringify([...plan, file])] })
  await until(() => linesOf(file).length === processes, 'all run', 20_000)
  return program
}

describe('a parent that is killed takes its children with it', { timeout: limit(60_000) }, () => {
  const plans: [string, unknown[], number][] = [
    ['an idle one', ['stayWithChildren', 'idle', 0], 1],
    ['one in a busy loop', ['stayWithChildren', 'busy', 0], 1],
    ['one blocked in a futex', ['stayInMemory', 'blocked'], 1],
    ['one that sleeps in its event loop', ['stayInMemory', 'event loop'], 1],
    ['children of children, the last one idle', ['stayWithChildren', 'idle', 2], 3],
    ['children of children, the last one busy', ['stayWithChildren', 'busy', 2], 3],
    ['children of children, the last one blocked', ['stayWithChildren', 'blocked', 2], 3]
  ]
  for (const [name, plan, processes] of plans) {
    test(name, async () => {
      await using scratch = await Scratch.create({ 'main.mjs': MAIN })
      await using program = await startFamily(scratch, plan, processes)
      assert.equal(program.members.length, processes + 1)
      process.kill(program.pid, 'SIGKILL')
      await program.gone(2000)
    })
  }

  test('a parent that ends by other signals, or by an uncaught error, takes its children with it', async () => {
    for (const [signal, expected] of [
      ['SIGTERM', 'SIGTERM'],
      ['SIGHUP', 'SIGHUP'],
      ['SIGSEGV', 'SIGSEGV']
    ] as const) {
      await using scratch = await Scratch.create({ 'main.mjs': MAIN })
      await using program = await startFamily(scratch, ['stayWithChildren', 'busy', 0], 1)
      process.kill(program.pid, signal)
      assert.equal((await program.outcome).signal, expected)
      await program.gone(2000)
    }
    await using scratch = await Scratch.create({
      'main.mjs': `${MAIN}\nprocess.stdin.on('data', () => { throw new Error('uncaught') })`
    })
    await using program = await startFamily(scratch, ['stayWithChildren', 'busy', 1], 2)
    program.process.stdin?.write('now')
    assert.equal((await program.outcome).code, 1)
    await program.gone(2000)
  })

  test('a child in the middle that is killed takes only its own children with it', async () => {
    await using scratch = await Scratch.create({ 'main.mjs': MAIN })
    await using program = await startFamily(scratch, ['stayWithChildren', 'busy', 2], 3)
    // The file has them in the order in which they came to run: the first child before its child.
    const [child] = linesOf(scratch.file('running')).map(Number)
    process.kill(child, 'SIGKILL')
    await until(() => program.members.length === 1, 'only the program itself runs', 2000)
    assert.deepEqual(program.members, [program.pid])
  })

  test('a stopped parent that is killed takes its children with it', async () => {
    await using scratch = await Scratch.create({ 'main.mjs': MAIN })
    await using program = await startFamily(scratch, ['stayWithChildren', 'idle', 1], 2)
    for (const pid of program.members) process.kill(pid, 'SIGSTOP')
    process.kill(program.pid, 'SIGKILL')
    await program.gone(2000)
  })

  test('a child that is still starting ends with its parent, at any moment of the first 150 ms', async () => {
    await using scratch = await Scratch.create({ 'main.mjs': MAIN })
    for (let round = 0; round < 8; round++) {
      await using program = new Program(scratch.file('main.mjs'), { args: ['["stayWithChildren", "idle", 1]'] })
      await program.printed(/started/)
      await sleep((round / 7) * 150)
      process.kill(program.pid, 'SIGKILL')
      await program.gone(2000)
    }
  })

  test('a child whose preloaded modules take long is gone once they are loaded', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': MAIN,
      'slow.mjs':
        "import { setTimeout } from 'node:timers/promises'\nif (process.argv[1].endsWith('child-main.cjs')) await setTimeout(500)"
    })
    await using program = new Program(scratch.file('main.mjs'), {
      args: ['["stayWithChildren", "idle", 1]'],
      execArgv: ['--import', scratch.url('slow.mjs')]
    })
    await program.printed(/started/)
    process.kill(program.pid, 'SIGKILL')
    await program.gone(2000)
  })

  test('families killed at random moments leave no process, file, FIFO, socket or memory', () => killFamilies(3, 1))
})
