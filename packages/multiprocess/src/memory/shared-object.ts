/**
 * What processes share: an object over a block of shared memory. It crosses as itself, that is by the block's offset, and a
 * process has one object for a block, however often it comes by. The block goes when no process has its object any more.
 */

import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import { SHARED_HEADER_BYTES } from '../ground/arena/shared-blocks.ts' // lazy
import { brand } from '../ground/brand.ts'
import { defaultMethod } from '../ground/default-method.ts'
import { currentFamily, type Family } from '../ground/family.ts' // lazy
import type { StartMethod } from '../ground/members/platform.ts'
import { callerPlace, isDebug } from '../ground/os/debug-mode.ts'

/** Which block, of which family. */
export interface Handle {
  readonly family: Family
  readonly at: number
}

/** Words of a block, for `Atomics`. */
export interface Words {
  readonly words: Int32Array
  /** Of the first. */
  readonly index: number
}

/** What a process has of a block: its object, and what must be gone before the block may go. */
interface Entry extends Handle {
  object: WeakRef<object>
  readonly owner: WeakRef<object>
}

const handles = new WeakMap<object, Handle>()
const entries = new Map<Family, Map<number, Entry>>()
const collected = new FinalizationRegistry<Entry>(entry => {
  const known = entries.get(entry.family)
  // An object that was made since has come to hold the block anew.
  if (known?.get(entry.at) !== entry) return
  known.delete(entry.at)
  entry.family.shared.drop(entry.at)
})

/**
 * The object keeps its block.
 * @param owner as long as this lives; left out: as long as the object itself does
 */
export function keepFor(object: object, handle: Handle, owner: object = object): void {
  const { family, at } = handle
  handles.set(object, handle)
  brand(object, 'shared')
  let known = entries.get(family)
  if (known === undefined) {
    known = new Map()
    entries.set(family, known)
  }
  const former = known.get(at)
  if (former?.owner.deref() === owner) {
    former.object = new WeakRef(object)
    return
  }
  const entry = { family, at, object: new WeakRef(object), owner: new WeakRef(owner) }
  known.set(at, entry)
  collected.register(owner, entry)
}

/** The process has the object no more, though it may live. */
export function letGo(object: object): void {
  const { family, at } = handleOf(object)
  handles.delete(object)
  // Who owns the entry may be collected later, and finds another one in its place, or none.
  if (entries.get(family)?.delete(at)) family.shared.drop(at)
}

/** The object that this process has for the block. */
export function objectAt({ family, at }: Handle): object | undefined {
  return entries.get(family)?.get(at)?.object.deref()
}

/** What keeps the block, also when its object is gone. */
export function ownerAt({ family, at }: Handle): object | undefined {
  return entries.get(family)?.get(at)?.owner.deref()
}

let adopted: Handle | undefined

/** Makes an object over a block that exists: the first SharedObject that `make` constructs. */
export function adopt<T>(handle: Handle, make: () => T): T {
  adopted = handle
  try {
    return make()
  } finally {
    adopted = undefined
  }
}

/** For reports: what is made, and where in the program. */
export function originOf(kind: string): string {
  // What is bundled may have got a number behind its name.
  return isDebug ? `the ${kind.replace(/\$\d+$/, '')} made at ${callerPlace()}` : ''
}

export abstract class SharedObject {
  /** Whose memory a new one takes. */
  protected static get method(): StartMethod {
    return defaultMethod()
  }
  /** Bytes of a block. */
  protected static readonly size: number = 4
  /** @param size bytes of the block, all zeros at first; left out: as the class says */
  constructor(size?: number) {
    const existing = adopted
    adopted = undefined
    if (existing !== undefined) {
      keepFor(this, existing)
    } else {
      const type = new.target as unknown as typeof SharedObject
      const family = currentFamily(type.method)
      keepFor(this, { family, at: family.shared.create(size ?? type.size, originOf(type.name)) })
    }
  }
}

/** Asked before `super()`: false when the object gets a block that exists. */
export function isNew(): boolean {
  return adopted === undefined
}

export function isShared(object: object): boolean {
  return handles.has(object)
}

/** Of an object for which `isShared` answers true. */
export function handleOf(object: object): Handle {
  return handles.get(object) as Handle
}

export function payloadAt({ at }: Handle): number {
  return at + SHARED_HEADER_BYTES
}

export function wordsOf(handle: Handle): Words {
  const at = payloadAt(handle)
  return { words: handle.family.memory.windowOf(at).words, index: (at % WINDOW_BYTES) >> 2 }
}
