/**
 * In debug mode, a process that gets SIGUSR2 prints what its family waits for. A listener in the event loop prints the report.
 * While the event loop is blocked in a wait of this package, the wait itself does: a system call with a timeout ends with EINTR
 * when a signal handler has run in its thread (signal(7)). During such a wait, this thread blocks every other signal that the
 * process catches, so only SIGUSR2 can cause EINTR. Signals that end the process still do.
 */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os' // lazy
import { isDebug } from './debug-mode.ts'
import { writeError } from './output.ts'
import { system } from './system.ts'

const SIG_BLOCK = 0
const SIG_SETMASK = 2
/** The length of a sigset_t in 64-bit words. */
const SET_WORDS = 16
/** Signals of faults: the thread that caused the fault must get them. */
const FAULTS = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP'] as const

type Report = () => string | undefined

const reports: Report[] = []
/** How many signals were answered by a wait although the event loop will still deliver them to its listener. */
let answered = 0

/**
 * Adds a report to print at each SIGUSR2.
 * @param report returns the text; undefined if another thread or process prints it
 */
export function addReport(report: Report): void {
  if (!process.getBuiltinModule('node:worker_threads').isMainThread) return
  if (reports.length === 0) process.on('SIGUSR2', onSignal)
  reports.push(report)
}

function onSignal(): void {
  if (answered > 0) answered--
  else tell()
}

function tell(): void {
  for (const report of reports) {
    try {
      const text = report()
      if (text !== undefined) writeError(text)
    } catch (error) {
      writeError(`multiprocess: cannot report what this program waits for: ${String(error)}\n`)
    }
  }
}

/** Runs a system call that blocks. If SIGUSR2 interrupts the call, prints the report. */
export function answering<R>(call: () => R): R {
  if (!isDebug || reports.length === 0) return call()
  const { pthread_sigmask } = system()
  const former = new BigUint64Array(SET_WORDS)
  pthread_sigmask(SIG_BLOCK, otherHandlers(), former)
  let result: R
  try {
    result = call()
  } finally {
    pthread_sigmask(SIG_SETMASK, former, null)
  }
  if (result === 'interrupted') {
    answered++
    tell()
  }
  return result
}

/** Returns the set of signals that this process catches, except SIGUSR2 and faults. */
function otherHandlers(): BigUint64Array {
  const set = new BigUint64Array(SET_WORDS)
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  set[0] = BigInt(`0x${caught}`)
  for (const name of ['SIGUSR2', ...FAULTS] as const) set[0] &= ~(1n << BigInt(constants.signals[name] - 1))
  return set
}
