/** The current process or thread, as its family knows it. */
import { constants } from 'node:os' // lazy
import { ProcessError } from '../../errors.ts'
import { inherited } from './inheritance.ts'

function isThread(): boolean {
  return inherited()?.method === 'thread'
}

/** Returns the pid of this process or, in a thread that a family started, its threadId. */
export function ownPid(): number {
  return isThread() ? process.getBuiltinModule('node:worker_threads').threadId : process.pid
}

/**
 * Sends a signal to this process. A thread cannot get signals: it ends, with the exit code of a process that the signal ended.
 */
export function signalSelf(signal: NodeJS.Signals): void {
  if (isThread()) process.exit(-constants.signals[signal])
  process.kill(process.pid, signal)
}

/**
 * Sends a signal to the parent. @throws ProcessError in a thread: its parent is a thread, too, which only its own parent can end
 */
export function signalParent(pid: number, signal: NodeJS.Signals): void {
  if (isThread()) {
    throw new ProcessError(
      `cannot send ${signal} to the parent: this is a thread, and its parent gets no signals from it`
    )
  }
  process.kill(pid, signal)
}
