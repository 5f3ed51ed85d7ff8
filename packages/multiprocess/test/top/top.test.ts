/** `multiprocess top`, over programs that run. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Proc } from '../../src/top/proc.ts'
import type { Snapshot } from '../../src/top/snapshot.ts'
import { Watcher } from '../../src/top/watcher.ts'

const timeout = 240_000
const PROGRAM = fileURLToPath(new URL('../fixtures/top/program.js', import.meta.url))
const COMMAND = fileURLToPath(new URL('../../../bin/multiprocess.js', import.meta.url))
const run = promisify(execFile)

class Program implements AsyncDisposable {
  readonly child: ChildProcess

  constructor(mode: string, env: NodeJS.ProcessEnv = {}, uid?: number) {
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    this.child = spawn(process.execPath, [PROGRAM, mode], { stdio: [...stdio], env: { ...process.env, ...env }, uid })
  }

  get pid(): number {
    return this.child.pid as number
  }

  /** What it says once there is something to see. */
  async ready(): Promise<Record<string, number>> {
    const [line] = await once((this.child.stdout as Readable).setEncoding('utf8'), 'data')
    return JSON.parse(line)
  }

  /** Looks until there is what is asked for. */
  async see(isThere: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    const watcher = new Watcher({ pid: this.pid, interval: 100 })
    for (;;) {
      const snapshot = await watcher.look()
      if (isThere(snapshot)) return snapshot
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }
}

async function top(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [COMMAND, 'top', ...args])
  return stdout
}

async function failureOf(...args: string[]): Promise<{ code: number; stderr: string; stdout: string }> {
  return run(process.execPath, [COMMAND, ...args]).then(
    () => assert.fail(`${args} succeeded`),
    error => error
  )
}

describe('multiprocess top', { timeout }, () => {
  test('top names a deadlock of two blocked processes and two locks, with holders and waiters', async () => {
    await using program = new Program('deadlock')
    const { left, right } = await program.ready()
    const { deadlocks, locks, waits, processes } = await program.see(({ deadlocks }) => deadlocks.length > 0)
    assert.equal(deadlocks.length, 1)
    const [deadlock] = deadlocks
    assert.deepEqual([...deadlock.pids].sort(), [left, right].sort())
    assert.equal(deadlock.certain, true)
    assert.deepEqual(
      deadlock.waits.map(({ pid, holder, for: target }) => [pid, holder, target]).sort(),
      [
        [left, right, 'lock'],
        [right, left, 'lock']
      ].sort()
    )
    const held = locks.map(({ holder, waiters, kind }) => [kind, holder, ...waiters])
    assert.deepEqual(
      held.sort(),
      [
        ['Lock', left, right],
        ['Lock', right, left]
      ].sort()
    )
    const blocked = waits.filter(({ blocked }) => blocked)
    assert.deepEqual(
      blocked.map(({ pid, name }) => [pid, name]).sort(),
      [
        [left, 'Left'],
        [right, 'Right']
      ].sort()
    )
    for (const { since, timeout: ends } of blocked) {
      assert.equal(ends, false)
      assert.ok(Math.abs(Date.now() - Date.parse(since)) < timeout, since)
    }
    const named = processes.map(({ pid, name, role, parent, state }) => ({ pid, name, role, parent, state }))
    const state = 'running'
    assert.deepEqual(named, [
      { pid: program.pid, name: 'MainProcess', role: 'main', parent: null, state },
      { pid: left, name: 'Left', role: 'process', parent: program.pid, state },
      { pid: right, name: 'Right', role: 'process', parent: program.pid, state }
    ])
    for (const { memory } of processes) assert.ok(memory > 2 ** 24 && memory < 2 ** 31, `${memory} bytes`)
    const page = await top('--once', '--pid', String(left))
    assert.match(page, /^deadlock: .*(Left|Right) \d+ waits for the Lock \w+, held by (Left|Right) \d+; /m)
  })

  test('top names a circle through an event loop, and says that it is not certain', async () => {
    await using program = new Program('loop')
    const { left, right } = await program.ready()
    const { deadlocks } = await program.see(({ deadlocks }) => deadlocks.length > 0)
    assert.deepEqual([...deadlocks[0].pids].sort(), [left, right].sort())
    assert.equal(deadlocks[0].certain, false)
  })

  test("top shows a deadlock of a parent that joins a child which waits for the parent's lock", async () => {
    await using program = new Program('join')
    const { child } = await program.ready()
    const { deadlocks } = await program.see(({ deadlocks }) => deadlocks.length > 0)
    assert.deepEqual(
      deadlocks[0].waits.map(({ pid, holder, for: target, blocked }) => [pid, holder, target, blocked]).sort(),
      [
        [child, program.pid, 'lock', true],
        [program.pid, child, 'end', true]
      ].sort()
    )
    assert.match(await top('--once', '--pid', String(child)), /^deadlock: .*MainProcess \d+ waits for Child to end/m)
  })

  test('top shows places in the program in debug mode', async () => {
    await using program = new Program('deadlock', { MULTIPROCESS_DEBUG: '1' })
    await program.ready()
    const { locks, deadlocks } = await program.see(({ deadlocks }) => deadlocks.length > 0)
    for (const { place } of [...locks, ...deadlocks[0].waits]) assert.match(String(place), /program\.js:\d+:\d+$/)
  })

  test('top shows queues with items and limits, held locks, semaphores, and names without escape codes', async () => {
    await using program = new Program('objects')
    const { holder } = await program.ready()
    const text = await top('--once', '--json', '--pid', String(program.pid))
    const { queues, locks, waits, version } = JSON.parse(text) as Snapshot
    assert.equal(version, 1)
    assert.deepEqual(
      queues.map(({ kind, length, maxsize, unfinished }) => ({ kind, length, maxsize, unfinished })),
      [
        { kind: 'Queue', length: 7, maxsize: 10, unfinished: null },
        { kind: 'JoinableQueue', length: 1, maxsize: null, unfinished: 2 }
      ]
    )
    assert.deepEqual(
      locks
        .map(({ kind, holder, value, waiters }) => ({ kind, holder, value, waiters }))
        .sort((a, b) => a.kind.localeCompare(b.kind)),
      [
        { kind: 'Lock', holder: null, value: null, waiters: [] },
        { kind: 'RLock', holder, value: null, waiters: [] },
        { kind: 'Semaphore', holder: null, value: 2, waiters: [] }
      ]
    )
    assert.ok(waits.some(({ pid, for: target, blocked }) => pid === holder && target === 'event' && !blocked))
    const page = await top('--once', '--pid', String(holder))
    assert.match(page, /^\w+ +Queue +7 +10$/m)
    assert.ok(!page.includes('\x1b'), 'the page has no escape codes')
    assert.match(page, /Holder\\u\{1b\}/)
  })

  test('a pool shows its pending and finished tasks, its busy workers, and the times of tasks while top looks', async () => {
    await using program = new Program('pool')
    const { workers } = (await program.ready()) as unknown as { workers: number[] }
    const { pools } = await program.see(({ pools: [pool] }) => pool !== undefined && pool.run !== null && pool.rate > 0)
    const [pool] = pools
    assert.equal(pools.length, 1)
    assert.equal(pool.pid, program.pid)
    assert.deepEqual(pool.workers.map(({ pid }) => pid).sort(), workers.sort())
    assert.ok(pool.workers.some(({ busy }) => busy) && pool.busy >= 1)
    assert.ok(pool.pending >= 1 && pool.pending <= 5, `${pool.pending} pending`)
    assert.ok(pool.completed > 4 && pool.submitted >= pool.completed)
    assert.ok(pool.run !== null && pool.run.p50 >= 1 && pool.run.p99 >= pool.run.p50, JSON.stringify(pool.run))
    assert.ok(pool.wait !== null && pool.wait.p50 > 0)
    const roles = (await program.see(() => true)).processes.map(({ role }) => role)
    assert.deepEqual(roles, ['main', 'worker', 'worker'])
  })

  test('a manager shows its objects and clients', async () => {
    await using program = new Program('manager')
    const { objects } = await program.ready()
    const { managers, processes } = await program.see(({ managers }) => managers[0]?.clients === 1)
    assert.equal(objects, 2)
    assert.deepEqual(
      managers.map(({ objects, clients }) => ({ objects, clients })),
      [{ objects: 2, clients: 1 }]
    )
    assert.equal(processes.find(({ pid }) => pid === managers[0].pid)?.role, 'manager')
  })

  test('a process or a program that is killed between two looks is missing in the next one', async () => {
    await using program = new Program('child')
    const { child } = await program.ready()
    const watcher = new Watcher({ interval: 100 })
    const own = async () => {
      const { families, processes, waits } = await watcher.look()
      const family = families.find(({ pid }) => pid === program.pid)?.family
      return { family, pids: processes.filter(entry => entry.family === family).map(({ pid }) => pid), waits }
    }
    assert.ok((await own()).waits.some(({ pid, for: target }) => pid === child && target === 'event'))
    process.kill(child, 'SIGKILL')
    const { processes } = await program.see(({ processes }) => processes.every(({ pid }) => pid !== child))
    assert.deepEqual(
      processes.map(({ pid }) => pid),
      [program.pid]
    )
    program.child.kill('SIGKILL')
    await once(program.child, 'exit')
    const { family, pids } = await own()
    assert.deepEqual([family, pids], [undefined, []])
    const { code, stderr } = await failureOf('top', '--once', '--pid', String(program.pid))
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^multiprocess: cannot look at process ${program.pid}: it does not run\n$`))
  })

  test('top does not show programs of another user', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
    await using program = new Program('child', {}, 65534)
    await program.ready()
    const { families } = await new Watcher({ interval: 100 }).look()
    assert.ok(families.every(({ pid }) => pid !== program.pid))
    const { code, stderr } = await failureOf('top', '--once', '--pid', String(program.pid))
    assert.equal(code, 1)
    assert.match(stderr, /it belongs to another user/)
  })

  test('top without a terminal writes one line of JSON for each look', async () => {
    await using program = new Program('child')
    await program.ready()
    const child = spawn(process.execPath, [COMMAND, 'top', '--json', '--interval', '100', '--pid', String(program.pid)])
    let text = ''
    child.stdout.setEncoding('utf8').on('data', data => {
      text += data
    })
    while (text.split('\n').length < 4) await once(child.stdout, 'data')
    const lines = text
      .split('\n')
      .slice(0, 3)
      .map(line => JSON.parse(line) as Snapshot)
    assert.deepEqual(
      lines.map(({ processes }) => processes.length),
      [2, 2, 2]
    )
    // The program that was asked for ends in the middle.
    program.child.kill('SIGKILL')
    const [code] = await once(child, 'exit')
    assert.equal(code, 1)
  })

  test('top says that it cannot work without /proc', () => {
    assert.throws(() => new Watcher({ interval: 100, proc: new Proc('/nowhere') }), {
      message: /^cannot look at programs: \/nowhere is not there; /
    })
  })

  test('top explains mistakes in the command line', async () => {
    for (const [args, message] of [
      [['bottom'], /expected top, got 'bottom'/],
      [['top', '--onse'], /Unknown option '--onse'/],
      [['top', '--pid', 'me'], /--pid must be a whole number of 1 or more, got 'me'/],
      [['top', '--interval', '5'], /--interval must be a whole number of 100 or more, got '5'/],
      [['top'], /the output is no terminal; add --once or --json/],
      [
        ['top', '--once', '--pid', String(process.ppid)],
        /it shares no memory by this package|it belongs to another user/
      ]
    ] as const) {
      const { code, stderr } = await failureOf(...args)
      assert.equal(code, 1)
      assert.match(stderr, message)
    }
    const { stdout } = await run(process.execPath, [COMMAND, '--help'])
    assert.match(stdout, /^Usage: multiprocess top \[options\]/)
  })
})
