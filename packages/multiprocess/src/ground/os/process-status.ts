/** A process's status as the kernel reports it in proc_pid_stat(5). */
import { existsSync, readFileSync } from 'node:fs'

export interface ProcessStatus {
  /** `R`, `S`, `D`, …; `Z` for a process that has ended and that its parent has not waited for yet. */
  readonly state: string
  readonly parent: number
  /** Clock ticks since boot. The pid and the start time together name a process for good, although pids are reused. */
  readonly startTime: number
}

/**
 * Returns the status of a process, or null if no process has this pid.
 * @throws an error if the status cannot be read, for example because no file descriptor is left
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
  // The command's name is in parentheses, and may itself contain spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], parent: Number(fields[1]), startTime: Number(fields[19]) }
}

/** The start time of a process whose start time could not be read. */
export const UNKNOWN_START = 0

/**
 * Returns true if the process with this pid and start time still runs. If this is unknown, returns true, so that its locks stay
 * held.
 */
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

/** Returns true if /proc is mounted; in a chroot it may not be. */
function hasProc(): boolean {
  return existsSync('/proc/self/stat')
}

/** Returns true if a process has this pid, asking kill(2) instead of /proc. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
