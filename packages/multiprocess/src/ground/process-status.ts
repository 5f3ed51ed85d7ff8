/** What proc_pid_stat(5) says of a process. */
import { readFileSync } from 'node:fs'

export interface ProcessStatus {
  /** `R`, `S`, `D`, …; `Z` for one that has ended and was not yet waited for. */
  readonly state: string
  readonly parent: number
  /** Clock ticks after boot: with the pid it names a process for good, though pids are used again. */
  readonly startTime: number
}

/** null when there is no such process. */
export function processStatus(pid: number): ProcessStatus | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // The command's name, in parentheses, may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], parent: Number(fields[1]), startTime: Number(fields[19]) }
}

/** Whether this very process, told by its start time, still runs. */
export function isRunning(pid: number, startTime: number): boolean {
  const status = processStatus(pid)
  return status !== null && status.startTime === startTime && status.state !== 'Z' && status.state !== 'X'
}
