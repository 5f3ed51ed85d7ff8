/** What a child has from its parent: the arena's file descriptor, its place in the process table, and its end. */
import type { OwnerId } from '../arena/process-table.ts'
import { system, systemError } from '../os/system.ts'

/** The arena in a child, after stdin, stdout and stderr. */
export const ARENA_FD = 3
/** The reading end of its lifeline. */
const LIFELINE_FD = 4

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const F_SETFD = 2
const FD_CLOEXEC = 1

export type Inheritance =
  | { readonly self: OwnerId; readonly method: 'spawn' }
  | { readonly self: OwnerId; readonly method: 'thread'; readonly buffer: SharedArrayBuffer }

let inheritance: Inheritance | undefined

/** A child says who it is; it attaches to the arena only when it needs it, since that takes time. */
export function inherit(from: Inheritance): void {
  inheritance = from
}

/** undefined in one that no other of a family started. */
export function inherited(): Inheritance | undefined {
  return inheritance
}

/** The arena is for the family alone: programs that this process starts must not keep it alive. */
export function closeArenaOnExec(): void {
  if (system().fcntl(ARENA_FD, F_SETFD, FD_CLOEXEC) < 0) throw systemError('fcntl')
}

/** The lifeline is for this process alone: see lifeline.ts. */
export function closeLifelineOnExec(): void {
  if (system().fcntl(LIFELINE_FD, F_SETFD, FD_CLOEXEC) < 0) throw systemError('fcntl')
}

/**
 * The kernel kills this process with its parent, whatever either is doing: prctl(2), PR_SET_PDEATHSIG. A parent that died
 * before the call is noticed by its pid. Answers false then: this process must end. A parent that has become another user may not kill it,
 * as prctl(2) obeys kill(2)'s rules; the lifeline does.
 */
export function dieWithParent(parentPid: number): boolean {
  if (system().prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) throw systemError('prctl')
  return process.ppid === parentPid
}
