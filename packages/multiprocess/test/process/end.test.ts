import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { describe, test } from 'node:test'
import { Process } from '../../src/index.ts'
import * as targets from '../fixtures/process/targets.ts'
import { runProgram, Scratch, untilSync } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

async function exitcodes(processes: Process<never[]>[]): Promise<(number | null)[]> {
  for (const process of processes) process.start()
  await Promise.all(processes.map(process => process.join()))
  return processes.map(process => process.exitcode)
}

/** Runs a child with this target and argument in a program of its own; answers its exit code and what it printed to stderr. */
async function runForError(
  target: string,
  argument: unknown
): Promise<{ exitcode: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await runProgram(`
    import { Process } from '%LIBRARY%'
    import * as targets from '%TARGETS%'
    const child = new Process({ target: targets.${target}, args: [${JSON.stringify(argument)}] })
    child.start()
    await child.join()
    process.stdout.write(String(child.exitcode))`)
  assert.equal(code, 0, stderr)
  return { exitcode: Number(stdout), stdout, stderr }
}

describe('how a process ends', { timeout: limit(60_000) }, () => {
  test('the exit code is 0, what it set, or what it gave to exit()', async () => {
    const processes = [
      new Process({ target: targets.nothing }),
      new Process({ target: targets.wait, args: [10] }),
      new Process({ target: targets.exit, args: [0] }),
      new Process({ target: targets.exit, args: [3] }),
      new Process({ target: targets.exit, args: [255] }),
      new Process({ target: targets.setExitCode, args: [7] })
    ]
    assert.deepEqual(await exitcodes(processes), [0, 0, 0, 3, 255, 7])
  })

  test('a signal makes the exit code negative', async () => {
    const { SIGTERM, SIGKILL, SIGINT, SIGSEGV, SIGABRT, SIGUSR2 } = constants.signals
    const processes = [
      ...(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGSEGV', 'SIGUSR2'] as const).map(
        signal => new Process({ target: targets.raise, args: [signal] })
      )
    ]
    assert.deepEqual(await exitcodes(processes), [-SIGTERM, -SIGKILL, -SIGINT, -SIGSEGV, -SIGUSR2])
    // It prints a stack, which would stand among the output of the tests.
    assert.equal((await runForError('abort', null)).exitcode, -SIGABRT)
  })

  test('a real-time signal without a name in Node makes the exit code negative, seen before the event loop', () => {
    const child = new Process({ target: targets.raise, args: [40] })
    child.start()
    child.joinSync()
    assert.equal(child.exitcode, -40)
  })

  test('an uncaught error is printed, and makes the exit code 1', async () => {
    const { exitcode, stderr } = await runForError('throwError', 'it went wrong')
    assert.equal(exitcode, 1)
    assert.match(stderr, /^TypeError: it went wrong$/m)
    assert.match(stderr, /at throwError \(.*targets\.[jt]s:\d+:\d+\)/)
    assert.match(stderr, /cause.*RangeError: the cause of it/s)
    assert.match(stderr, /field: 'a field'/)
  })

  test('a rejected promise, an error in a timer, and an unhandled rejection make the exit code 1', async () => {
    const all = await Promise.all(
      ['rejectLater', 'throwInTimer', 'rejectUnhandled'].map(target => runForError(target, `the message of ${target}`))
    )
    for (const { exitcode, stderr } of all) {
      assert.equal(exitcode, 1)
      assert.match(stderr, /^Error: the message of \w+$/m)
    }
  })

  test('a thrown value that is not an error makes the exit code 1', async () => {
    const all = await Promise.all([
      runForError('throwValue', 'a text'),
      runForError('throwValue', { key: 1 }),
      runForError('throwValue', null)
    ])
    assert.deepEqual(
      all.map(({ exitcode }) => exitcode),
      [1, 1, 1]
    )
    assert.match(all[0].stderr, /a text/)
    assert.match(all[1].stderr, /key: 1|\[object Object\]|#<Object>/)
  })

  test('a module that is missing, or throws while it loads, makes the exit code 1, and its error is printed', async () => {
    await using scratch = await Scratch.create({
      'throwing.mjs': "throw new Error('thrown while loading')\nexport const fn = () => {}",
      'other.mjs': 'export const value = 1'
    })
    const runExplicit = (target: object) =>
      runProgram(`
        import { Process } from '%LIBRARY%'
        const child = new Process({ target: ${JSON.stringify(target)} })
        child.start()
        await child.join()
        console.log(child.exitcode)`)
    const [none, throwing, missing, noFunction] = await Promise.all([
      runExplicit({ module: scratch.url('none.mjs'), export: 'fn' }),
      runExplicit({ module: scratch.url('throwing.mjs'), export: 'fn' }),
      runExplicit({ module: scratch.url('other.mjs'), export: 'fn' }),
      runExplicit({ module: scratch.url('other.mjs'), export: 'value' })
    ])
    for (const { stdout } of [none, throwing, missing, noFunction]) assert.equal(stdout, '1\n')
    assert.match(none.stderr, /cannot import file:.*none\.mjs/)
    assert.match(throwing.stderr, /thrown while loading/)
    assert.match(missing.stderr, /cannot find `fn` in file:.*other\.mjs: it exports value/)
    assert.match(noFunction.stderr, /cannot use `value` of .*other\.mjs: expected a function or a class/)
  })

  test('a parent whose event loop is blocked knows how a child ended', () => {
    const processes = [0, 3].map(code => new Process({ target: targets.exit, args: [code] }))
    for (const process of processes) {
      process.start()
      assert.equal(process.isAlive(), true)
      assert.equal(process.exitcode, null)
    }
    untilSync(() => processes.every(process => !process.isAlive()), 'both have ended')
    assert.deepEqual(
      processes.map(process => process.exitcode),
      [0, 3]
    )
  })
})
