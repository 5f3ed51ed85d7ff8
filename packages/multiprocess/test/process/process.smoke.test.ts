/** The essentials of processes and of the ground below them, in a few seconds: for other versions of Node. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { deserialize } from 'node:v8'
import { WINDOW_BYTES } from '../../src/ground/arena/layout.ts'
import { currentFamily } from '../../src/ground/family.ts'
import {
  activeChildren,
  cpuCount,
  currentProcess,
  isMainProcess,
  Process,
  SerializationError
} from '../../src/index.ts'
import { lockAt, SharedWords, sleeperCount } from '../fixtures/process/ground.ts'
import {
  holdLock,
  increment,
  sleepBlocking,
  sleepInEventLoop,
  storm,
  sumBlock
} from '../fixtures/process/ground-targets.ts'
import { killStorms } from '../fixtures/process/kills.ts'
import { Writer } from '../fixtures/process/subclasses.ts'
import * as targets from '../fixtures/process/targets.ts'
import { linesOf, Program, runProgram, Scratch, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const { arena, memory, lot } = currentFamily()

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process<never[]> {
  const child = new Process({ target, args: args as never[] })
  child.start()
  return child
}

async function end(...children: Process<never[]>[]): Promise<(number | null)[]> {
  await Promise.all(children.map(child => child.join()))
  return children.map(child => child.exitcode)
}

describe('processes', { timeout: limit(60_000) }, () => {
  test('a process runs an exported function with arguments', async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('args')
    const args = [1, 'two', [-0, Number.NaN], new Map([['key', new Set([1n])]]), new Uint8Array([1, 2]), undefined]
    const child = start(targets.writeArgs, file, ...args)
    assert.deepEqual(activeChildren(), [child])
    assert.deepEqual(await end(child), [0])
    assert.deepEqual(deserialize(readFileSync(file)), args)
    assert.deepEqual([isMainProcess, currentProcess().name, cpuCount() >= 1], [true, 'MainProcess', true])
  })

  test('a process ends with an exit code, by a signal, or with 1 and a printed error', async () => {
    const children = [start(targets.exit, 3), start(targets.raise, 'SIGTERM'), start(targets.stay)]
    children[2].kill()
    assert.deepEqual(await end(...children), [3, -15, -9])
    const { stdout, stderr } = await runProgram(`
      import { Process } from '%LIBRARY%'
      import { throwError } from '%TARGETS%'
      const child = new Process({ target: throwError, args: ['it went wrong'] })
      child.start()
      child.joinSync()
      console.log(child.exitcode)`)
    assert.equal(stdout, '1\n')
    assert.match(stderr, /TypeError: it went wrong/)
  })

  test('a process is joined with a timeout, with a signal, and blocking', async () => {
    await using child = start(targets.stay)
    assert.equal(await child.join({ timeout: 20 }), false)
    assert.equal(child.joinSync({ timeout: 20 }), false)
    await assert.rejects(child.join({ signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' })
    child.terminate()
    assert.equal(child.joinSync({ timeout: limit(30_000) }), true)
    assert.equal(child.exitcode, -15)
  })

  test('a process has children and a name', async () => {
    await using scratch = await Scratch.create()
    const child = start(targets.nest, scratch.file('names'), 1, 1)
    assert.deepEqual(await end(child), [0])
    const seen = (await scratch.lines('names')).map(line => JSON.parse(line) as { name: string; parent: string })
    assert.deepEqual(
      seen.map(({ name, parent }) => [name, parent]),
      [
        [child.name, 'MainProcess'],
        [`${child.name}:1`, child.name]
      ]
    )
  })

  test('a process may have a subclass', async () => {
    await using scratch = await Scratch.create()
    const child = new Writer(scratch.file('result'), new Map([['key', [1]]]))
    child.start()
    await child.join()
    const { text, isWriter, isCurrent } = JSON.parse(await scratch.read('result')) as Record<string, unknown>
    assert.deepEqual([text, isWriter, isCurrent], ['0 of [["key",[1]]]', true, true])
  })

  test('a process refuses what cannot cross, and runs functions of the main program, which does not run again', async () => {
    const stream = process.stdin
    assert.throws(() => start(() => void stream.fd), SerializationError)
    assert.throws(() => start(targets.writeArgs, 'a', [Symbol('s')]), SerializationError)
    const { stdout } = await runProgram(`
      import { Process } from '%LIBRARY%'
      export function work() { console.log('work') }
      console.log('main')
      new Process({ target: work }).start()`)
    assert.equal(stdout, 'main\nwork\n')
  })

  test('processes end with their parent: daemons at its end, all when it is killed', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { stay } from '%TARGETS%'
        new Process({ target: stay, daemon: true }).start()`,
      'killed.mjs': `
        import { Process } from '%LIBRARY%'
        import { stayWithChildren } from '%FAMILIES%'
        for (const how of ['idle', 'busy', 'blocked']) {
          new Process({ target: stayWithChildren, args: [how, how === 'busy' ? 1 : 0, process.argv[2]] }).start()
        }`
    })
    await using ending = new Program(scratch.file('main.mjs'))
    assert.equal((await ending.outcome).code, 0)
    await ending.gone()
    const file = scratch.file('running')
    await using killed = new Program(scratch.file('killed.mjs'), { args: [file] })
    await until(() => linesOf(file).length === 4, 'all run', 20_000)
    process.kill(killed.pid, 'SIGKILL')
    await killed.gone()
  })
})

describe('the ground', { timeout: limit(60_000) }, () => {
  test('two processes allocate and free blocks', async () => {
    const before = arena.liveBlocks
    const child = start(storm, { seed: 1, rounds: 2000, largest: 1e6 })
    storm({ seed: 2, rounds: 2000, largest: 1e6 })
    assert.deepEqual(await end(child), [0])
    arena.check()
    assert.equal(arena.liveBlocks, before)
  })

  test('a block longer than a window is whole in another process', async () => {
    using sum = new SharedWords(1)
    const size = WINDOW_BYTES + 100
    const at = arena.allocate(size)
    memory.withBytes(at, size, (bytes, offset) => {
      bytes.fill(0, offset, offset + size)
      bytes[offset] = 7
      bytes[offset + size - 1] = 8
    })
    assert.deepEqual(await end(start(sumBlock, at, size, sum.at)), [0])
    assert.equal(sum.words[0], 15)
    arena.free(at)
  })

  test('a death within a change of the arena breaks nothing', () => killStorms(3, 1))

  test('a lock lets one process in at a time, and is freed by the death of its holder', async () => {
    using shared = new SharedWords(4)
    const children = [1, 2].map(() => start(increment, shared.at, 50_000, 2))
    assert.deepEqual(await end(...children), [0, 0])
    assert.equal(shared.words[2], 100_000)
    shared.words.fill(0)
    const holder = start(holdLock, shared.at, 60_000)
    await until(() => Atomics.load(shared.words, 1) === 1, 'the child holds the lock')
    holder.kill()
    assert.equal(lockAt(shared.at).acquire(), true)
    lockAt(shared.at).release()
    await end(holder)
  })

  test('sleepers are woken, blocked and in event loops', async () => {
    using shared = new SharedWords(64)
    const children = [start(sleepBlocking, shared.at, 1), start(sleepInEventLoop, shared.at, 2)]
    await until(() => sleeperCount() === 2, 'both sleep')
    shared.words[63] = 1
    assert.equal(await lot.parkAsync(shared.at, 0, { timeout: 20 }), 'timed-out')
    assert.equal(lot.unpark(shared.at), 2)
    assert.deepEqual(await end(...children), [0, 0])
    assert.equal(shared.words[1], 2)
  })
})
