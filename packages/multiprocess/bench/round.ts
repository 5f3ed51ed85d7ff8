import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ContestantInfo } from './contestants.ts'
import type { Part, Sample, Settings } from './parts/part.ts'

export type RoundResult =
  | { readonly sample: Sample; readonly note?: string }
  | { readonly failure: string; readonly timedOut: boolean }

/** Milliseconds that a contestant gets to end after its pool was closed. */
const exitGraceMs = 10_000
/** Milliseconds that output may still take to arrive once the contestant's process has ended. */
const drainMs = 2_000

const running = new Set<ChildProcess>()

/** Runs one contestant once in one part, in a fresh process. Never rejects: what goes wrong is in the answer. */
export function runRound(
  info: ContestantInfo,
  part: Part,
  settings: Settings,
  timeoutMs: number
): Promise<RoundResult> {
  const [command, args] = commandOf(info, part, settings)
  return new Promise(resolve => {
    // A process group of its own, so that a contestant that hangs can be ended with all its workers.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    running.add(child)
    let out = ''
    let err = ''
    let late = false
    let timer = setTimeout(stop, timeoutMs)

    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      if (line(out, 'BENCH-SAMPLE') !== undefined) {
        clearTimeout(timer)
        timer = setTimeout(stop, exitGraceMs)
      }
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-20_000)
    })
    child.on('error', error => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ failure: error.message, timedOut: false })
    })
    // A worker that outlives its pool holds the pipes open: it is ended, so that 'close' comes; or, had it left the
    // group, not waited for.
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      killGroup(child)
      const fallback = setTimeout(() => resolve(judge(code, signal)), drainMs)
      child.on('close', () => {
        clearTimeout(fallback)
        resolve(judge(code, signal))
      })
    })

    function stop(): void {
      late = true
      killGroup(child)
    }

    function judge(code: number | null, signal: NodeJS.Signals | null): RoundResult {
      const sample = line(out, 'BENCH-SAMPLE')
      if (sample !== undefined) {
        const note = late
          ? `did not end within ${exitGraceMs / 1000} s of closing its pool`
          : code !== 0
            ? `ended with ${signal ?? `exit status ${code}`} after closing its pool`
            : undefined
        return { sample: JSON.parse(sample) as Sample, note }
      }
      if (late) return { failure: `no result within ${timeoutMs / 1000} s`, timedOut: true }
      const reported = line(out, 'BENCH-FAILURE')
      const reason =
        reported === undefined
          ? (err.trimEnd().split('\n').at(-1) ?? '').trim()
          : (JSON.parse(reported) as string).split('\n')[0]
      const status = signal ?? `exit status ${code}`
      return { failure: reason === '' ? status : `${reason} (${status})`, timedOut: false }
    }
  })
}

/** For an interrupted run: nothing it started stays behind. */
export function killRunning(): void {
  for (const child of running) killGroup(child)
}

function commandOf(info: ContestantInfo, part: Part, settings: Settings): [string, string[]] {
  const given = JSON.stringify(settings)
  if (info.open === undefined) {
    return [info.library, [fileURLToPath(new URL('../../bench/cpython-pool.py', import.meta.url)), part.id, given]]
  }
  return [
    process.execPath,
    ['--expose-gc', fileURLToPath(new URL('./runner.js', import.meta.url)), info.id, part.id, given]
  ]
}

/** What follows `tag` on the last whole line that begins with it. */
function line(text: string, tag: string): string | undefined {
  const found = text.match(new RegExp(`^${tag} (.*)\\n`, 'm'))
  return found?.[1]
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
