/** How much memory a process has resident. */
import { readFileSync } from 'node:fs'

/** Bytes, VmRSS of proc_pid_status(5); 0 when it can't be told, as of a process that has ended. */
export function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}
