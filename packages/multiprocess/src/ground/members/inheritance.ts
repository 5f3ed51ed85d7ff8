/**
 * What a child inherits from its parent: the arena's file descriptor, its place in the process table, and its end of the
 * lifeline.
 */
import type { OwnerId } from '../arena/process-table.ts'
import { system, systemError } from '../os/system.ts'

/** The arena's descriptor in a child, after stdin, stdout and stderr. */
export const ARENA_FD = 3
/** The descriptor of the reading end of the child's lifeline. */
const LIFELINE_FD = 4

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const F_SETFD = 2
const FD_CLOEXEC = 1

export type Inheritance =
  | { readonly self: OwnerId; readonly method: 'spawn' }
  | { readonly self: OwnerId; readonly method: 'thread'; readonly buffer: SharedArrayBuffer }

let inheritance: Inheritance | undefined

/**
 * Records what this child inherited. The child attaches to the arena only when it needs the arena, because attaching takes time.
 */
export function inherit(from: Inheritance): void {
  inheritance = from
}

/** Returns what this member inherited; undefined in the first process of a family. */
export function inherited(): Inheritance | undefined {
  return inheritance
}

/** Closes the arena's descriptor in programs that this process starts: only the family may keep the arena alive. */
export function closeArenaOnExec(): void {
  if (system().fcntl(ARENA_FD, F_SETFD, FD_CLOEXEC) < 0) throw systemError('fcntl')
}

/** Closes the lifeline in programs that this process starts: it belongs to this process alone, see lifeline.ts. */
export function closeLifelineOnExec(): void {
  if (system().fcntl(LIFELINE_FD, F_SETFD, FD_CLOEXEC) < 0) throw systemError('fcntl')
}

/**
 * Asks the kernel to kill this process when its parent dies, whatever either is doing: prctl(2), PR_SET_PDEATHSIG. Returns false
 * if the parent died before the call, which shows in the parent's pid; this process must then end. If the parent has become
 * another user, it may not kill this process, because prctl(2) obeys the rules of kill(2); the lifeline still works then.
 */
export function dieWithParent(parentPid: number): boolean {
  if (system().prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) throw systemError('prctl')
  return process.ppid === parentPid
}
