/**
 * In debug mode a process that gets SIGUSR2 tells what its family waits for. A listener in the event loop does, or, when that is
 * blocked in a wait of this package, the wait itself: a system call that waits with a timeout ends with EINTR when a handler has
 * run in its thread (signal(7)). For as long as it waits, other signals that are caught go to other threads of the process, so
 * EINTR says which it was. What is fatal stays so.
 */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os' // lazy
import { isDebug } from './debug-mode.ts'
import { writeError } from './output.ts'
import { system } from './system.ts'

const SIG_BLOCK = 0
const SIG_SETMASK = 2
/** sigset_t in 64-bit words. */
const SET_WORDS = 16
/** A thread that commits them must get them. */
const FAULTS = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP'] as const

type Report = () => string | undefined

const reports: Report[] = []
/** The event loop has yet to hear of as many signals that were answered. */
let answered = 0

/** @param report is asked for at each signal; undefined: somebody else tells */
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
      writeError(`multiprocess: cannot tell what is waited for: ${String(error)}\n`)
    }
  }
}

/** Runs a system call that blocks; one that a signal interrupts has answered it then. */
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

/** Signals that this process catches, but the one. */
function otherHandlers(): BigUint64Array {
  const set = new BigUint64Array(SET_WORDS)
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  set[0] = BigInt(`0x${caught}`)
  for (const name of ['SIGUSR2', ...FAULTS] as const) set[0] &= ~(1n << BigInt(constants.signals[name] - 1))
  return set
}
