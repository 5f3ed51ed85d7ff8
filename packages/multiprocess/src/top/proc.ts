/** What the system tells of this user's processes: which have an arena, what they use. All of it may end between two looks. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { MultiprocessError } from '../errors.ts'

const ARENA = '/memfd:multiprocess (deleted)'
/** Of times in /proc, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** A process that has an arena open. */
export interface Holder {
  /** As this process sees it. */
  readonly pid: number
  /** As its family sees it: another one where it runs in a container. */
  readonly innerPid: number
  readonly startTime: number
  /** Of all its threads since its start, in seconds. */
  readonly cpuSeconds: number
  /** Bytes of resident memory. */
  readonly memory: number
  readonly command: string
}

/** An arena, and who has it open. */
export interface ArenaFile {
  /** Tells it from all others of this machine. */
  readonly inode: number
  readonly holders: readonly Holder[]
  /** A file of it in /proc. */
  readonly path: string
}

/** What was asked for cannot be seen. */
export class LookError extends MultiprocessError {}

export class Proc {
  readonly #root: string

  constructor(root = '/proc') {
    this.#root = root
  }

  /** @throws LookError where there is no /proc */
  check(): void {
    if (existsSync(`${this.#root}/self/stat`)) return
    throw new LookError(
      `cannot look at programs: ${this.#root} is not there; mount it, or run this on Linux, where the programs run`
    )
  }

  /**
   * The arenas of this user's processes.
   * @param only looks at this process alone, and at those that share its arenas
   * @throws LookError when `only` has none, or belongs to another user
   */
  arenas(only?: number): ArenaFile[] {
    if (only !== undefined) this.#checkProcess(only)
    const found = new Map<number, { path: string; holders: Holder[] }>()
    const wanted = only === undefined ? undefined : new Set(this.#arenasOf(only).keys())
    if (wanted?.size === 0) {
      throw new LookError(`cannot look at process ${only}: it shares no memory by this package; give another --pid`)
    }
    for (const pid of this.#ownPids()) {
      for (const [inode, path] of this.#arenasOf(pid)) {
        if (wanted !== undefined && !wanted.has(inode)) continue
        const holder = this.holder(pid)
        if (holder === undefined) continue
        const known = found.get(inode)
        if (known === undefined) found.set(inode, { path, holders: [holder] })
        else known.holders.push(holder)
      }
    }
    return [...found].map(([inode, { path, holders }]) => ({ inode, path, holders }))
  }

  #checkProcess(pid: number): void {
    const owner = this.#ownerOf(pid)
    if (owner === undefined) throw new LookError(`cannot look at process ${pid}: it does not run`)
    if (owner !== process.getuid?.()) {
      throw new LookError(`cannot look at process ${pid}: it belongs to another user; run this command as that user`)
    }
  }

  *#ownPids(): Generator<number> {
    for (const name of readdirSync(this.#root)) {
      const pid = Number(name)
      if (Number.isInteger(pid) && pid !== process.pid && this.#ownerOf(pid) === process.getuid?.()) yield pid
    }
  }

  #ownerOf(pid: number): number | undefined {
    return attempt(() => statSync(`${this.#root}/${pid}`, { bigint: true }).uid, Number)
  }

  /** By inode: a file of each arena that the process has open. */
  #arenasOf(pid: number): Map<number, string> {
    const folder = `${this.#root}/${pid}/fd`
    const found = new Map<number, string>()
    for (const fd of attempt(() => readdirSync(folder)) ?? []) {
      const path = `${folder}/${fd}`
      if (attempt(() => readlinkSync(path)) !== ARENA) continue
      const inode = attempt(() => statSync(path, { bigint: true }).ino, Number)
      if (inode !== undefined) found.set(inode, path)
    }
    return found
  }

  /** Undefined: it is gone, or may not be looked at. */
  protected holder(pid: number): Holder | undefined {
    return attempt(() => {
      const stat = readFileSync(`${this.#root}/${pid}/stat`, 'latin1')
      const status = readFileSync(`${this.#root}/${pid}/status`, 'latin1')
      // The name, in parentheses, may hold spaces and parentheses.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const inner = /^NSpid:\s.*?(\d+)$/m.exec(status)?.[1]
      return {
        pid,
        innerPid: Number(inner ?? pid),
        startTime: Number(fields[19]),
        cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
        memory: Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
        command: readFileSync(`${this.#root}/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      }
    })
  }
}

/** Opens an arena, to be written too where that may be. Undefined: it is gone. */
export function openArena(path: string): { readonly fd: number; close(): void } | undefined {
  const fd = attempt(() => openSync(path, 'r+')) ?? attempt(() => openSync(path, 'r'))
  return fd === undefined ? undefined : { fd, close: () => closeSync(fd) }
}

/** What goes wrong is that a process has ended, or may not be looked at. */
function attempt<T>(look: () => T): T | undefined
function attempt<T, R>(look: () => T, as: (value: T) => R): R | undefined
function attempt<T, R>(look: () => T, as?: (value: T) => R): T | R | undefined {
  try {
    const value = look()
    return as === undefined ? value : as(value)
  } catch {
    return undefined
  }
}
