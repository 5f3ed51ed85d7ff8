/** What proc_pid_stat(5) says of a process. */
import { existsSync, readFileSync } from 'node:fs'

export interface ProcessStatus {
  /** `R`, `S`, `D`, …; `Z` for one that has ended and was not yet waited for. */
  readonly state: string
  readonly parent: number
  /** Clock ticks after boot: with the pid it names a process for good, though pids are used again. */
  readonly startTime: number
}

/**
 * null when there is no such process.
 * @throws when it can't be told, as with no file descriptor left
 */
export function processStatus(pid: number): ProcessStatus | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
  // The command's name, in parentheses, may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], parent: Number(fields[1]), startTime: Number(fields[19]) }
}

/** Stands for a start time that could not be read. */
export const UNKNOWN_START = 0

/** Whether this very process, told by its start time, still runs. What can't be told counts as running: locks stay held. */
export function isRunning(pid: number, startTime: number): boolean {
  try {
    const status = processStatus(pid)
    if (status === null && !hasProc()) return isThere(pid)
    if (status === null || status.state === 'Z' || status.state === 'X') return false
    return startTime === UNKNOWN_START || status.startTime === startTime
  } catch {
    return true
  }
}

/** Returns false in a chroot where /proc is not mounted. */
function hasProc(): boolean {
  return existsSync('/proc/self/stat')
}

/** Whether a process has the pid, as far as kill(2) tells without /proc. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
