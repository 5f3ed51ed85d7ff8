/** The number of processors that this process may use. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os' // lazy

/**
 * Returns the number of processors that this process may use: the smaller of its affinity (sched_getaffinity(2), which
 * `os.availableParallelism` asks) and the CPU limits (cgroup v1 and v2) of its group and all groups above, rounded up. In a container
 * started with `--cpus=1.5`, it is 2. See Python's `multiprocessing.cpu_count`.
 * @returns an integer, at least 1
 * @example
 * import { cpuCount } from 'multiprocess'
 *
 * console.log(cpuCount() >= 1) // true
 */
export function cpuCount(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupLimit(readText))))
}

/**
 * Returns the processor time that cgroups(7) grant, in processors (1.5 is one and a half); Infinity if no group sets a limit.
 * @param read returns the text of a file, or null if the file cannot be read
 */
export function cgroupLimit(read: (path: string) => string | null): number {
  let limit = Number.POSITIVE_INFINITY
  for (const line of read('/proc/self/cgroup')?.split('\n') ?? []) {
    const [id, controllers, path] = line.split(/:(.*?):(.*)/s)
    if (path === undefined) continue
    if (id === '0' && controllers === '') {
      for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
        for (const group of upwards(path)) limit = Math.min(limit, limitV2(read(`${root}${group}/cpu.max`)))
      }
    } else if (controllers.split(',').includes('cpu')) {
      for (const root of ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct']) {
        for (const group of upwards(path)) {
          const directory = `${root}${group}`
          limit = Math.min(
            limit,
            limitV1(read(`${directory}/cpu.cfs_quota_us`), read(`${directory}/cpu.cfs_period_us`))
          )
        }
      }
    }
  }
  return limit
}

function limitV2(text: string | null): number {
  const [quota, period] = text?.trim().split(' ') ?? []
  return ratio(Number(quota), Number(period))
}

function limitV1(quota: string | null, period: string | null): number {
  return quota === null || period === null ? Number.POSITIVE_INFINITY : ratio(Number(quota), Number(period))
}

/** Divides a quota by its period. Version 2 writes `max` (NaN here) and version 1 writes -1 for "no limit". */
function ratio(quota: number, period: number): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY
}

/**
 * Yields the path of the group, of each group above it, and '' for the root. In a container, the path may be one of the host's.
 */
function* upwards(path: string): Generator<string> {
  let group = path === '/' ? '' : path
  while (group !== '') {
    yield group
    group = group.slice(0, group.lastIndexOf('/'))
  }
  yield ''
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
