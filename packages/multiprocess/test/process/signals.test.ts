import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Process } from '../../src/index.ts'
import * as targets from '../fixtures/process/targets.ts'
import { isPidRunning, linesOf, Program, Scratch, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

describe('signals to a process', { timeout: limit(60_000) }, () => {
  test('terminate, kill and interrupt end a process', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('running')
    const processes = [1, 2, 3].map(() => new Process({ target: targets.stay, args: [file] }))
    for (const process of processes) process.start()
    await until(() => linesOf(file).length === 3, 'all run')
    processes[0].terminate()
    processes[1].kill()
    processes[2].interrupt()
    await Promise.all(processes.map(process => process.join()))
    assert.deepEqual(
      processes.map(process => process.exitcode),
      [-15, -9, -2]
    )
    for (const process of processes) {
      // Nothing happens to one that has ended.
      process.terminate()
      process.kill()
      process.interrupt()
      assert.equal(isPidRunning(process.pid as number), false)
    }
  })

  test('a process may handle the signals that can be handled', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('signals')
    const child = new Process({ target: targets.handleSignals, args: [file] })
    child.start()
    await until(() => linesOf(file).length === 1, 'it handles signals')
    child.terminate()
    await until(() => linesOf(file).length === 2, 'SIGTERM arrived')
    assert.equal(child.isAlive(), true)
    child.interrupt()
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.deepEqual(await scratch.lines('signals'), ['ready', 'SIGTERM', 'SIGINT'])
  })

  test('a child that is busy, blocked, or still starting ends by a signal', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('running')
    const processes = [targets.stayBusy, targets.stayBlocked, targets.stay].map(
      target => new Process({ target, args: [file] })
    )
    for (const process of processes.slice(0, 2)) process.start()
    await until(() => linesOf(file).length === 2, 'two run')
    processes[2].start()
    for (const process of processes) process.terminate()
    await Promise.all(processes.map(process => process.join()))
    assert.deepEqual(
      processes.map(process => process.exitcode),
      [-15, -15, -15]
    )
  })

  test('a child may end itself, or its parent and thereby itself', async () => {
    const child = new Process({ target: targets.terminateBy, args: ['current'] })
    child.start()
    await child.join()
    assert.equal(child.exitcode, -15)
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { terminateBy } from '%TARGETS%'
        new Process({ target: terminateBy, args: ['parent'] }).start()`
    })
    await using program = new Program(scratch.file('main.mjs'))
    assert.equal((await program.outcome).signal, 'SIGTERM')
    await program.gone()
  })

  test('Ctrl-C ends the whole family, and nothing is printed', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { stayWithChildren } from '%TARGETS%'
        for (const kind of ['idle', 'busy', 'blocked']) {
          new Process({ target: stayWithChildren, args: [process.argv[2], 1, kind] }).start()
        }
        console.log('started')`
    })
    const file = scratch.file('running')
    // setsid: a process group of its own, as a terminal gives it to a program.
    await using program = new Program(scratch.file('main.mjs'), { args: [file], through: ['setsid', '--wait'] })
    await until(() => linesOf(file).length === 6, 'all run')
    process.kill(-processGroup(lastPid(file)), 'SIGINT')
    await program.gone()
    const { stdout, stderr } = await program.outcome
    assert.deepEqual([stdout, stderr], ['started\n', ''])
  })
})

function lastPid(file: string): number {
  return Number(linesOf(file).at(-1))
}

function processGroup(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')[2])
}
