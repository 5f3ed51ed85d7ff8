/** Who this process is: set once in a child, from what its parent prepared. */
import { fileURLToPath } from 'node:url'
import { inherited } from '../ground/members/inheritance.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { randomBytes } from '../ground/os/random.ts'
import { addOwnerNamer } from '../ground/owner-names.ts'

/** Returns the first module of a child. */
export function mainOf(method: StartMethod): URL {
  return method === 'spawn'
    ? new URL('../entries/child-main.js', import.meta.url)
    : new URL('../entries/thread-main.js', import.meta.url)
}

function isMain(script: string | undefined): boolean {
  if (script === undefined || !/(?:child|thread)-main\.c?js$/.test(script)) return false
  return script === fileURLToPath(mainOf('spawn')) || script === fileURLToPath(mainOf('thread'))
}

export interface Identity {
  readonly name: string
  /** [] for the program's first process, [2, 1] for the first child of its second child. */
  readonly path: readonly number[]
  readonly isDaemon: boolean
  /** True if this process may start children: a daemon may not, except for a pool's worker. */
  readonly mayStart: boolean
  readonly authkey: Uint8Array
  readonly parent: { readonly name: string; readonly pid: number } | null
}

/** The logger's settings in this process; children inherit them. */
export const logSettings = { level: 30, isPrinted: false }

let identity: Identity | undefined
let children = 0

/** Returns true in a child, even before its main module has run: for example, in a module that `--import` loads. */
export function isChild(): boolean {
  return isMain(process.argv[1]) || identity?.parent != null
}

/** Returns true in a child that does not know its identity yet: what runs now runs in every child. */
export function isBooting(): boolean {
  return isChild() && identity === undefined
}

export function currentIdentity(): Identity {
  if (identity === undefined) {
    const unknown = { name: 'MainProcess', path: [], isDaemon: false, mayStart: true, parent: null }
    if (isBooting()) return { ...unknown, authkey: new Uint8Array() }
    identity = { ...unknown, authkey: randomBytes(32) }
  }
  return identity
}

export function setIdentity(value: Identity): void {
  identity = value
}

/** This process knows its own name, and its parent's. */
addOwnerNamer(({ platform, self, table }, owner) => {
  const { name, parent } = currentIdentity()
  if (owner === self) return name
  const isParent = platform.method === inherited()?.method && table.pid(owner) === parent?.pid
  return isParent ? parent?.name : undefined
})

/** Returns the place in the family of the next process that this one creates. */
export function nextPath(): readonly number[] {
  return [...currentIdentity().path, ++children]
}
