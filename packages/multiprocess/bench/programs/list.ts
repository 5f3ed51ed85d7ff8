/** The programs, and who runs them. */

export interface Figures {
  /** Seconds. */
  readonly wall: number
  readonly cpu: number
}

export interface Program {
  readonly id: string
  readonly title: string
  /** What the contestants' files call it. */
  readonly kind: string
  /** Of those whose work grows: milliseconds of it. */
  readonly workMs?: number
}

export interface Contestant {
  readonly id: string
  readonly title: string
  readonly command: string
  readonly args: (kind: string, argument: string) => string[]
  /** Kinds of programs that it has. */
  readonly programs: readonly string[]
}

/** Milliseconds of work, in tasks of 1 ms, of which the page on costs shows when a pool pays. */
const WORK_MS = [30, 100, 300, 1000, 3000]

export const PROGRAMS: readonly Program[] = [
  { id: 'apply', kind: 'apply', title: 'one `apply`, close, join' },
  { id: 'tasks', kind: 'tasks', title: '50,000 × `applyAsync(square, [i])`, then `await r.get()` each' },
  { id: 'map', kind: 'map', title: '`map(square, …)` of 1,000,000 integers' },
  { id: 'pauses', kind: 'pauses', title: '30 tasks of 0.1 s on 4 workers' },
  { id: 'stop', kind: 'stop', title: 'stopping at the first result that is wanted, of 10,000' },
  { id: 'objects', kind: 'objects', title: '`map` of 10,000 small objects' },
  { id: 'ndjson', kind: 'ndjson', title: 'summing 50 MB of NDJSON in 16 parts' },
  ...WORK_MS.map(workMs => ({ id: `work-${workMs}`, kind: 'work', title: `${workMs} tasks of 1 ms`, workMs }))
]

const MAPS = ['map', 'stop']
const TASKS = ['apply', 'tasks', 'pauses', 'objects', 'ndjson']

const node = (file: string) => ({
  command: process.execPath,
  args: (kind: string, argument: string) => [`./programs/${file}.js`, kind, argument]
})
const python = (method: string) => ({
  command: 'python3',
  args: (kind: string, argument: string) => ['../../bench/cpython-programs.py', kind, method, argument]
})

export const CONTESTANTS: readonly Contestant[] = [
  { id: 'multiprocess', title: 'multiprocess', ...node('multiprocess'), programs: [...TASKS, ...MAPS, 'work'] },
  {
    id: 'multiprocess-threads',
    title: 'multiprocess/threads',
    ...node('multiprocess-threads'),
    programs: [...TASKS, ...MAPS, 'work']
  },
  { id: 'cpython-fork', title: 'CPython, fork', ...python('fork'), programs: [...TASKS, ...MAPS] },
  { id: 'cpython-spawn', title: 'CPython, spawn', ...python('spawn'), programs: [...TASKS, ...MAPS] },
  { id: 'piscina', title: 'piscina', ...node('piscina'), programs: TASKS },
  { id: 'poolifier', title: 'poolifier, threads', ...node('poolifier'), programs: TASKS },
  { id: 'tinypool', title: 'tinypool', ...node('tinypool'), programs: TASKS },
  { id: 'none', title: 'no pool', ...node('no-pool'), programs: ['work'] }
]
