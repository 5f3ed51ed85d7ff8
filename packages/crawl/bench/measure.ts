import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** What one run of a command cost. */
export interface Cost {
  wallSeconds: number
  /** Of the command and of all processes that it started and waited for. */
  cpuSeconds: number
}

/** proc(5): the kernel's unit of time in /proc. */
const TICKS_PER_SECOND = 100

/**
 * Runs a command to its end.
 *
 * @throws Error when it fails; with what it wrote to the standard error
 */
export async function measure(command: readonly string[], cwd?: string): Promise<Cost> {
  const cpu = childrenSeconds()
  const begin = performance.now()
  const child = spawn(command[0], command.slice(1), { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  const wallSeconds = (performance.now() - begin) / 1000
  if (code !== 0) throw new Error(`${command.join(' ')} ended with exit code ${code}: ${stderr}`)
  return { wallSeconds, cpuSeconds: childrenSeconds() - cpu }
}

/** The processor time of all children of this process that have ended, and of theirs: cutime and cstime in proc(5). */
function childrenSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
