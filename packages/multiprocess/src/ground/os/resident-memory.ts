/** The resident memory of a process. */
import { readFileSync } from 'node:fs'

/**
 * Returns the resident memory of a process in bytes (VmRSS of proc_pid_status(5)); 0 if unknown, for example because it has
 * ended.
 */
export function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}
