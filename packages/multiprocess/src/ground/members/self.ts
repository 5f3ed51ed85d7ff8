/** The process or thread that asks, as its family knows it. */
import { constants } from 'node:os' // lazy
import { ProcessError } from '../../errors.ts'
import { inherited } from './inheritance.ts'

function isThread(): boolean {
  return inherited()?.method === 'thread'
}

/** Of a thread that a family started: its threadId. */
export function ownPid(): number {
  return isThread() ? process.getBuiltinModule('node:worker_threads').threadId : process.pid
}

/** A thread gets no signals: whichever it is, the thread ends, and has the exit code of one that the signal ended. */
export function signalSelf(signal: NodeJS.Signals): void {
  if (isThread()) process.exit(-constants.signals[signal])
  process.kill(process.pid, signal)
}

/** @throws ProcessError in a thread: the parent, too, is one, and can be ended by its own parent only */
export function signalParent(pid: number, signal: NodeJS.Signals): void {
  if (isThread()) {
    throw new ProcessError(
      `cannot send ${signal} to the parent: this is a thread, and its parent gets no signals from it`
    )
  }
  process.kill(pid, signal)
}
