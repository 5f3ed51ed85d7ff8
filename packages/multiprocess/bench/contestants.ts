import type { Contestant } from './contestants/contestant.ts'
import type { TaskName } from './task-by-name.ts'

export interface ContestantInfo {
  readonly id: string
  /** The package's name in the registry; `python3` for the interpreter. */
  readonly library: string
  /** What was set, besides the number of workers. */
  readonly setup: string
  /** What its workers are. */
  readonly workers: 'processes' | 'threads' | 'none'
  /** `ours` is compared with the best `peer`, and with a `reference` where a goal names it. */
  readonly role: 'ours' | 'peer' | 'reference'
  /** Left out: all that take it. */
  readonly parts?: readonly string[]
  /** Left out for one that is not a Node program. */
  readonly open?: (workers: number, task: TaskName) => Promise<Contestant>
}

/** Each library is loaded by the round that measures it and by no other. */
export const contestants: readonly ContestantInfo[] = [
  {
    id: 'multiprocess',
    library: 'multiprocess',
    setup: 'Pool',
    workers: 'processes',
    role: 'ours',
    open: async (workers, task) => (await import('./contestants/multiprocess.ts')).openMultiprocess(workers, task)
  },
  {
    id: 'piscina-1',
    library: 'piscina',
    setup: 'defaults',
    workers: 'threads',
    role: 'peer',
    open: async (workers, task) => (await import('./contestants/piscina.ts')).openPiscina(workers, task, 1)
  },
  {
    id: 'piscina-16',
    library: 'piscina',
    setup: 'concurrentTasksPerWorker: 16',
    workers: 'threads',
    role: 'peer',
    open: async (workers, task) => (await import('./contestants/piscina.ts')).openPiscina(workers, task, 16)
  },
  {
    id: 'tinypool-thread',
    library: 'tinypool',
    setup: "runtime: 'worker_threads'",
    workers: 'threads',
    role: 'peer',
    open: async (workers, task) =>
      (await import('./contestants/tinypool.ts')).openTinypool(workers, task, 'worker_threads')
  },
  {
    id: 'tinypool-process',
    library: 'tinypool',
    setup: "runtime: 'child_process'",
    workers: 'processes',
    role: 'peer',
    open: async (workers, task) =>
      (await import('./contestants/tinypool.ts')).openTinypool(workers, task, 'child_process')
  },
  {
    id: 'poolifier-thread',
    library: 'poolifier',
    setup: 'FixedThreadPool',
    workers: 'threads',
    role: 'peer',
    open: async (workers, task) => (await import('./contestants/poolifier.ts')).openPoolifier(workers, task, 'thread')
  },
  {
    id: 'poolifier-cluster',
    library: 'poolifier',
    setup: 'FixedClusterPool',
    workers: 'processes',
    role: 'peer',
    open: async (workers, task) => (await import('./contestants/poolifier.ts')).openPoolifier(workers, task, 'cluster')
  },
  {
    id: 'workerpool-thread',
    library: 'workerpool',
    setup: "workerType: 'thread'",
    workers: 'threads',
    role: 'peer',
    open: async (workers, task) => (await import('./contestants/workerpool.ts')).openWorkerpool(workers, task, 'thread')
  },
  {
    id: 'workerpool-process',
    library: 'workerpool',
    setup: "workerType: 'process'",
    workers: 'processes',
    role: 'peer',
    open: async (workers, task) =>
      (await import('./contestants/workerpool.ts')).openWorkerpool(workers, task, 'process')
  },
  {
    id: 'node-ipc',
    library: 'node',
    setup: "child_process.fork, serialization: 'advanced', by hand",
    workers: 'processes',
    role: 'reference',
    open: async (workers, task) => (await import('./contestants/node-ipc.ts')).openNodeIpc(workers, task)
  },
  {
    id: 'serial',
    library: 'node',
    setup: 'no pool: one after the other',
    workers: 'none',
    role: 'reference',
    parts: ['cpu'],
    open: async (_, task) => (await import('./contestants/serial.ts')).openSerial(task)
  },
  {
    id: 'cpython',
    library: 'python3',
    setup: 'multiprocessing.Pool',
    workers: 'processes',
    role: 'reference'
  }
]

/** Those whose id or library is named in a comma-separated list. */
export function selectContestants(list: string): ContestantInfo[] {
  const names = list.split(',').map(name => name.trim())
  for (const name of names) {
    if (!contestants.some(contestant => contestant.id === name || contestant.library === name)) {
      const known = contestants.map(contestant => contestant.id).join(', ')
      throw new Error(
        `--only ${list}: there is no contestant "${name}"; there are ${known}, and their libraries' names`
      )
    }
  }
  return contestants.filter(({ id, library }) => names.includes(id) || names.includes(library))
}
