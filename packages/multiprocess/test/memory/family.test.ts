import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, test } from 'node:test'
import { SharedMemory } from '../../src/index.ts'
import { killCreators } from '../fixtures/memory/kills.ts'
import { isPidRunning, Program, runProgram, Scratch, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const prefix = `mp-family-${process.pid}`
let made = 0
const newPrefix = () => `${prefix}-${made++}`
const left = (name: string) => readdirSync('/dev/shm').filter(found => found.startsWith(name))
const gone = (name: string) => until(() => left(name).length === 0, `nothing is left of ${name}`, 2000)

/** Its arguments: the prefix, and how many. */
const HOLD = `
  import { hold } from '%MEMORY%'
  hold(process.argv[2], Number(process.argv[3]))`

async function holder(scratch: Scratch, name: string, count: number) {
  const program = new Program(scratch.file('hold.mjs'), { args: [name, String(count)] })
  const [, watcher] = await program.printed(/watched by (\d+)/)
  return { program, watcher: Number(watcher) }
}

describe('segments end with the family that created them', { timeout: limit(120_000) }, () => {
  test('segments of a family that is SIGKILLed are unlinked, 5 times', () => killCreators(5, 1))

  test('200 segments are unlinked; if only their creator is killed, once the rest of the family has ended', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { hold } from '%MEMORY%'
        const child = new Process({ target: hold, args: [process.argv[2], 200] })
        child.start()
        process.stdin.once('data', () => {
          child.kill()
          child.join().then(() => console.log('killed'))
        })`
    })
    const name = newPrefix()
    await using program = new Program(scratch.file('main.mjs'), { args: [name] })
    const [, watcher] = await program.printed(/watched by (\d+)/)
    assert.equal(left(name).length, 200)
    program.process.stdin?.write('now\n')
    await program.printed(/killed/)
    assert.equal(left(name).length, 200)
    assert.ok(isPidRunning(Number(watcher)))
    program.process.kill('SIGKILL')
    await program.outcome
    await gone(name)
    await until(() => !isPidRunning(Number(watcher)), 'the watcher has ended', 2000)
  })

  test('segments are unlinked when the family ends by itself, by an exit, an error or a signal', async () => {
    for (const [ending, code] of [
      ['', 0],
      ['process.exit(3)', 3],
      ["throw new Error('uncaught')", 1],
      ["process.kill(process.pid, 'SIGTERM')", null]
    ] as const) {
      const name = newPrefix()
      const outcome = await runProgram(`
        import { SharedMemory, ShareableList } from '%LIBRARY%'
        new SharedMemory({ name: '${name}', create: true, size: 10 })
        new ShareableList([1, 2], { name: '${name}-list' })
        ${ending}`)
      assert.equal(outcome.code, code)
      await gone(name)
    }
  })

  test('the watcher does not hold the program, its pipes, session, directory or settings', async () => {
    await using scratch = await Scratch.create({ 'hold.mjs': HOLD })
    const name = newPrefix()
    const { program, watcher } = await holder(scratch, name, 1)
    await using _ = program
    const fields = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
    const [, , group, session] = fields(watcher)
    assert.deepEqual([Number(group), Number(session)], [watcher, watcher])
    const pipes = [1, 2].map(fd => readlinkSync(`/proc/${program.pid}/fd/${fd}`))
    const open = readdirSync(`/proc/${watcher}/fd`).map(fd => readlinkSync(`/proc/${watcher}/fd/${fd}`))
    assert.deepEqual(
      open.filter(file => pipes.includes(file)),
      []
    )
    assert.equal(readlinkSync(`/proc/${watcher}/cwd`), '/')
    assert.equal(readFileSync(`/proc/${watcher}/environ`, 'latin1').includes('PATH=/'), false)
  })

  test('signals that end a service or a terminal do not end the watcher before the family', async () => {
    await using scratch = await Scratch.create({ 'hold.mjs': HOLD })
    const name = newPrefix()
    const { program, watcher } = await holder(scratch, name, 3)
    await using _ = program
    const caught = () =>
      Number.parseInt(
        readFileSync(`/proc/${watcher}/status`, 'latin1')
          .match(/SigCgt:\t(\w+)/)![1]
          .slice(-8),
        16
      )
    // The last that it catches, and Node does not by itself.
    const QUIT = 1 << 2
    await until(() => caught() & QUIT, 'the watcher is up')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(watcher, signal)
    process.kill(program.pid, 'SIGINT')
    await program.outcome
    await gone(name)
    await until(() => !isPidRunning(watcher), 'the watcher has ended', 2000)
  })

  test('a killed watcher is replaced at once, or with the next segment by a busy program', async () => {
    for (const isBusy of [false, true]) {
      await using scratch = await Scratch.create({
        'main.mjs': `
          import { readdirSync, readFileSync } from 'node:fs'
          import { SharedMemory } from '%LIBRARY%'
          import { watcherPid } from '%WATCHER%'
          const create = i => new SharedMemory({ name: process.argv[2] + '-' + i, create: true, size: 10 })
          create(0)
          create(1)
          const first = watcherPid()
          process.kill(first, 'SIGKILL')
          // Of a process that has ended, threads may still have its files open for a moment.
          const isThere = () =>
            readdirSync('/proc/' + first + '/task').length > 1 ||
            !readFileSync('/proc/' + first + '/stat', 'latin1').includes(') Z ')
          if (${isBusy}) {
            while (isThere());
            create(2)
          } else {
            while (watcherPid() === first) await new Promise(resolve => setTimeout(resolve, 1))
            create(2)
          }
          console.log('first ' + first + ', now ' + watcherPid())
          setInterval(() => {}, 60_000)`
      })
      const name = newPrefix()
      await using program = new Program(scratch.file('main.mjs'), { args: [name] })
      const [, first, second] = await program.printed(/first (\d+), now (\d+)/)
      assert.notEqual(second, first)
      assert.equal(left(name).length, 3)
      process.kill(program.pid, 'SIGKILL')
      await program.outcome
      await gone(name)
    }
  })

  test('four processes that begin at once have one watcher', async () => {
    const name = newPrefix()
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { hold } from '%MEMORY%'
        for (let i = 0; i < 4; i++) new Process({ target: hold, args: ['${name}', 2] }).start()`
    })
    await using program = new Program(scratch.file('main.mjs'))
    await program.printed(/(held.*\s+){4}/)
    const watchers = new Set([...program.stdout.matchAll(/watched by (\d+)/g)].map(([, pid]) => pid))
    assert.equal(watchers.size, 1)
    assert.equal(left(name).length, 8)
    process.kill(program.pid, 'SIGKILL')
    await gone(name)
  })

  test('segments with track: false stay, and have no watcher', async () => {
    const name = newPrefix()
    const { stdout } = await runProgram(`
      import { SharedMemory } from '%LIBRARY%'
      import { watcherPid } from '%WATCHER%'
      new SharedMemory({ name: '${name}', create: true, size: 10, track: false }).buf[0] = 6
      console.log(watcherPid())`)
    assert.equal(stdout, '0\n')
    using shm = new SharedMemory({ name })
    assert.equal(shm.buf[0], 6)
    shm.unlink()
    assert.deepEqual(left(name), [])
  })

  test('attached segments of another family stay, and so do segments with a name that was used before', async () => {
    const [name, taken] = [newPrefix(), newPrefix()]
    using shm = new SharedMemory({ name, create: true, size: 10 })
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { SharedMemory } from '%LIBRARY%'
        import { watcherPid } from '%WATCHER%'
        new SharedMemory({ name: '${name}' }).buf[0] = 6
        new SharedMemory({ name: '${taken}', create: true, size: 10 })
        console.log('watched by ' + watcherPid())
        process.stdin.on('data', () => {})`
    })
    await using program = new Program(scratch.file('main.mjs'))
    const [, watcher] = await program.printed(/watched by (\d+)/)
    new SharedMemory({ name: taken }).unlink()
    using next = new SharedMemory({ name: taken, create: true, size: 10 })
    process.kill(program.pid, 'SIGKILL')
    await program.outcome
    await until(() => !isPidRunning(Number(watcher)), 'the watcher has ended', 2000)
    assert.deepEqual([shm.buf[0], left(name).length, left(taken).length], [6, 1, 1])
    shm.unlink()
    next.unlink()
  })
})
