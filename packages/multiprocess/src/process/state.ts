/** Who this process is: set once in a child, from what its parent prepared. */
import { randomBytes } from 'node:crypto'

export interface Identity {
  readonly name: string
  /** [] for the program's first process, [2, 1] for the first child of its second child. */
  readonly path: readonly number[]
  readonly isDaemon: boolean
  /** A daemon may not start children; a pool's worker, which is one, may. */
  readonly mayStart: boolean
  readonly authkey: Uint8Array
  readonly parent: { readonly name: string; readonly pid: number } | null
}

let identity: Identity | undefined
let children = 0

export function currentIdentity(): Identity {
  identity ??= {
    name: 'MainProcess',
    path: [],
    isDaemon: false,
    mayStart: true,
    authkey: randomBytes(32),
    parent: null
  }
  return identity
}

let isMarked = false

export function isChild(): boolean {
  return isMarked
}

/** Before a child loads anything of the user's, so that modules can ask while they load. */
export function markChild(): void {
  isMarked = true
}

export function setIdentity(value: Identity): void {
  identity = value
}

/** The place in the family of the next process that this one makes. */
export function nextPath(): readonly number[] {
  return [...currentIdentity().path, ++children]
}
