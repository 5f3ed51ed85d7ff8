/** What a program that hangs tells when it is sent SIGUSR2. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const PROGRAM = fileURLToPath(new URL('../fixtures/sync/deadlock.js', import.meta.url))
/** Longer than a report is not repeated for. */
const AGAIN_MS = 400

class Program implements AsyncDisposable {
  readonly child: ChildProcess
  readonly hasStarted: Promise<unknown>
  #text = ''

  constructor(mode: string, debug = '1') {
    this.child = spawn(process.execPath, [PROGRAM, mode], {
      env: { ...process.env, MULTIPROCESS_DEBUG: debug },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.hasStarted = once(this.child.stdout as Readable, 'data')
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text
    })
  }

  /** The reports that were written so far, each by process. */
  get reports(): Map<string, string[]>[] {
    return this.#text
      .split(/^multiprocess: what .*\n/m)
      .slice(1)
      .map(report => {
        const blocks = new Map<string, string[]>()
        let lines: string[] = []
        for (const line of report.trimEnd().split('\n')) {
          if (line.startsWith('  ')) lines.push(line.trim())
          else blocks.set(line.slice(0, line.indexOf(' (')), (lines = [line]))
        }
        return blocks
      })
  }

  /** Signals until a report has what is asked for. */
  async ask(pid: number, isComplete: (report: Map<string, string[]>) => boolean): Promise<Map<string, string[]>> {
    await this.hasStarted
    for (;;) {
      const before = this.reports.length
      process.kill(pid, 'SIGUSR2')
      await sleep(AGAIN_MS)
      assert.equal(this.child.exitCode ?? this.child.signalCode, null, `it ended: ${this.#text}`)
      const found = this.reports.slice(before).find(isComplete)
      if (found !== undefined) return found
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL')
      await once(this.child, 'exit')
    }
  }
}

/** The source line that a place names. */
function sourceAt(place: string | undefined): string {
  const [, file, line] = /^(.*):(\d+):\d+$/.exec(place ?? '') ?? []
  assert.equal(file, PROGRAM)
  return readFileSync(file, 'utf8').split('\n')[Number(line) - 1]
}

function waits(report: Map<string, string[]>, name: string, what: RegExp): RegExpExecArray | undefined {
  for (const line of report.get(name) ?? []) {
    const found = what.exec(line)
    if (found !== null) return found
  }
  return undefined
}

const ACQUIRE =
  /^waits to acquire the Lock made at (?<made>\S+), held by (?<holder>\w+) \((?:pid|thread) (?<pid>\d+)\); (?<how>.*), for \d+\.\d s, at (?<place>\S+)$/

const isDeadlocked = (report: Map<string, string[]>) =>
  waits(report, 'Blocked', ACQUIRE) !== undefined && waits(report, 'Waiting', ACQUIRE) !== undefined

function checkDeadlock(report: Map<string, string[]>): { blocked: number; waiting: number } {
  const blocked = waits(report, 'Blocked', ACQUIRE)?.groups ?? {}
  const waiting = waits(report, 'Waiting', ACQUIRE)?.groups ?? {}
  assert.deepEqual([blocked.holder, blocked.how], ['Waiting', 'blocked'])
  assert.deepEqual([waiting.holder, waiting.how], ['Blocked', 'in its event loop'])
  assert.match(sourceAt(blocked.place), /second\.acquireSync\(\)/)
  assert.match(sourceAt(waiting.place), /await second\.acquire\(\)/)
  for (const { made } of [blocked, waiting]) assert.match(sourceAt(made), /new Lock\(\)/)
  assert.notEqual(blocked.made, waiting.made)
  return { blocked: Number(waiting.pid), waiting: Number(blocked.pid) }
}

describe('a program that hangs', { timeout }, () => {
  test('of two processes and two locks, the signalled one reports all waits, even if it is blocked', async () => {
    await using program = new Program('others')
    const main = program.child.pid as number
    const isComplete = (report: Map<string, string[]>) => isDeadlocked(report) && report.get('Others')?.length === 5
    const report = await program.ask(main, isComplete)
    const { blocked, waiting } = checkDeadlock(report)
    assert.match(
      report.get('MainProcess')?.join('\n') ?? '',
      /^MainProcess \(pid \d+\)\nwaits for Blocked \(\d+\) to end; in its event loop/
    )
    assert.equal(report.get('Blocked')?.[0], `Blocked (pid ${blocked}), started by MainProcess (pid ${main})`)
    for (const what of [
      /^waits to send to the Queue made at \S+, which has 1 messages; /,
      /^waits at the Barrier made at \S+, where 1 of 2 are; /,
      /^waits to be notified by the Condition made at \S+, whose lock is held by nobody; /,
      /^waits to acquire the Semaphore made at \S+, whose value is 0; /
    ]) {
      assert.ok(waits(report, 'Others', what), `${what}: ${report.get('Others')}`)
    }
    for (const pid of [blocked, waiting]) checkDeadlock(await program.ask(pid, isComplete))
    // What a dead one waited for goes with it, and the other gets its lock.
    process.kill(blocked, 'SIGKILL')
    const after = await program.ask(main, report => !report.has('Blocked') && !report.has('Waiting'))
    assert.equal(after.get('MainProcess')?.length, 2)
  })

  test('the first process reports all waits while it is blocked itself', async () => {
    await using program = new Program('blocked')
    const report = await program.ask(program.child.pid as number, isDeadlocked)
    checkDeadlock(report)
    assert.ok(waits(report, 'MainProcess', /^waits for Blocked \(\d+\) to end; blocked, /))
  })

  test('two threads report their waits', async () => {
    await using program = new Program('threads')
    checkDeadlock(await program.ask(program.child.pid as number, isDeadlocked))
  })

  test('without debug mode, the signal does what it always does', async () => {
    await using program = new Program('blocked', '')
    await program.hasStarted
    program.child.kill('SIGUSR2')
    await once(program.child, 'exit')
    assert.equal(program.child.signalCode, 'SIGUSR2')
    assert.deepEqual(program.reports, [])
  })
})
