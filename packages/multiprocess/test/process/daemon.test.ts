import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Process } from '../../src/index.ts'
import * as targets from '../fixtures/process/targets.ts'
import { linesOf, Program, runProgram, Scratch, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

describe('daemons', { timeout: limit(60_000) }, () => {
  test('daemons end with the normal end of their parent, which does not wait for them', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { statSync } from 'node:fs'
        import { Process } from '%LIBRARY%'
        import { stay, stayBusy, stayBlocked } from '%TARGETS%'
        const files = process.argv.slice(2)
        for (const [index, target] of [stay, stayBusy, stayBlocked].entries()) {
          new Process({ target, args: [files[index]], daemon: true }).start()
        }
        const hasWritten = file => statSync(file, { throwIfNoEntry: false })?.size > 0
        const timer = setInterval(() => files.every(hasWritten) && clearInterval(timer), 5)
        process.on('exit', () => console.log('the end'))`
    })
    const files = ['a', 'b', 'c'].map(name => scratch.file(name))
    await using program = new Program(scratch.file('main.mjs'), { args: files })
    const { code, stdout } = await program.outcome
    assert.deepEqual([code, stdout], [0, 'the end\n'])
    await program.gone()
    assert.ok(
      files.every(file => linesOf(file).length === 1),
      'all three ran'
    )
  })

  test('daemons get SIGTERM when their parent ends', async () => {
    const { stdout } = await runProgram(`
      import { Process } from '%LIBRARY%'
      import { stay } from '%TARGETS%'
      const child = new Process({ target: stay, daemon: true })
      child.start()
      process.on('exit', () => {
        child.joinSync()
        console.log(child.exitcode)
      })`)
    assert.equal(stdout, '-15\n')
  })

  test('daemons that are still starting end, too', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { stay } from '%TARGETS%'
        for (let index = 0; index < 3; index++) new Process({ target: stay, daemon: true }).start()`
    })
    await using program = new Program(scratch.file('main.mjs'))
    assert.equal((await program.outcome).code, 0)
    await program.gone()
  })

  test('children that are not daemons keep the program alive until they have ended', async () => {
    const { code, stdout } = await runProgram(`
      import { Process } from '%LIBRARY%'
      import { wait } from '%TARGETS%'
      const begin = performance.now()
      const child = new Process({ target: wait, args: [300] })
      child.start()
      process.on('exit', () => console.log(child.exitcode, performance.now() - begin >= 300))`)
    assert.deepEqual([code, stdout], [0, '0 true\n'])
  })

  test('process.exit() ends children that are not daemons as well', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { stay } from '%TARGETS%'
        new Process({ target: stay, args: [process.argv[2]] }).start()
        process.stdin.on('data', () => process.exit(5))`
    })
    const file = scratch.file('running')
    await using program = new Program(scratch.file('main.mjs'), { args: [file] })
    await until(() => linesOf(file).length === 1, 'the child runs')
    program.process.stdin?.write('now')
    assert.equal((await program.outcome).code, 5)
    await program.gone()
  })

  test('daemons may not start children', async () => {
    await using scratch = await Scratch.create()
    const child = new Process({
      name: 'D',
      target: targets.startInDaemon,
      args: [scratch.file('result')],
      daemon: true
    })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.equal(
      await scratch.read('result'),
      'ValueError: cannot start a process in D: a daemon may not have children'
    )
  })

  test('the daemons of a child end with the child', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('running')
    const child = new Process({ target: targets.startDaemon, args: [file] })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    // It may not have come so far as to say that it runs.
    const [pid] = linesOf(file).map(Number)
    if (pid !== undefined) await until(() => isGone(pid), 'the daemon has ended', 2000)
  })

  test('a child is a daemon only if it is told so', async () => {
    assert.equal(new Process().daemon, false)
    assert.equal(new Process({ daemon: true }).daemon, true)
  })
})

function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ')
  } catch {
    return true
  }
}
