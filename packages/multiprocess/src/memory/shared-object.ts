/**
 * Objects that processes share: each is an object over a block of shared memory. A shared object crosses as the block's offset, and a
 * process has one object for a block, however often it arrives. The block is freed when no process has its object.
 */

import { type BlockKind, kindNumber } from '../ground/arena/block-kinds.ts'
import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import { SHARED_HEADER_BYTES } from '../ground/arena/shared-blocks.ts' // lazy
import { brand } from '../ground/brand.ts'
import { defaultMethod } from '../ground/default-method.ts'
import { currentFamily, type Family } from '../ground/family.ts' // lazy
import { Handed } from '../ground/handed.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { callerPlace, isDebug } from '../ground/os/debug-mode.ts'

/** A block of a family. */
export interface Handle {
  readonly family: Family
  readonly at: number
}

/** Words of a block, for `Atomics`. */
export interface Words {
  readonly words: Int32Array
  /** The index of the first word. */
  readonly index: number
}

/** A process's hold on a block: its object, and the owner that must be collected before the hold ends. */
interface Entry extends Handle {
  object: WeakRef<object>
  readonly owner: WeakRef<object>
}

const handles = new WeakMap<object, Handle>()
const entries = new Map<Family, Map<number, Entry>>()
const collected = new FinalizationRegistry<Entry>(entry => {
  const known = entries.get(entry.family)
  // An object that was made since holds the block again.
  if (known?.get(entry.at) !== entry) return
  known.delete(entry.at)
  entry.family.shared.drop(entry.at)
})

/**
 * Keeps the block for the object.
 * @param owner keeps the block as long as it lives. Default: the object itself
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

/** Ends the process's hold on the object's block, though the object may live. */
export function letGo(object: object): void {
  const { family, at } = handleOf(object)
  handles.delete(object)
  // The entry's owner may be collected later, and then finds another entry in its place, or none.
  if (entries.get(family)?.delete(at)) family.shared.drop(at)
}

/** Returns the object that this process has for the block. */
export function objectAt({ family, at }: Handle): object | undefined {
  return entries.get(family)?.get(at)?.object.deref()
}

/** Returns the owner that keeps the block, even if its object is gone. */
export function ownerAt({ family, at }: Handle): object | undefined {
  return entries.get(family)?.get(at)?.owner.deref()
}

const adopted = new Handed<Handle>()

/** Makes an object over a block that exists: the first SharedObject that `make` constructs. */
export function adopt<T>(handle: Handle, make: () => T): T {
  return adopted.during(handle, make)
}

/** Returns, for reports, what is made, and where in the program. */
export function originOf(kind: string): string {
  // A bundler may have added a number to the class's name.
  return isDebug ? `the ${kind.replace(/\$\d+$/, '')} made at ${callerPlace()}` : ''
}

/** An object whose state lives in shared memory: it crosses to another process as itself. */
export abstract class SharedObject {
  /** The start method whose memory a new object uses. */
  protected static get method(): StartMethod {
    return defaultMethod()
  }
  /** The size of a block, in bytes. */
  protected static readonly size: number = 4
  /** The name of its kind for those who look on from outside. */
  protected static readonly kind: BlockKind = ''
  /** @param size the size of the block in bytes, which are zeros at first. Default: the class's `size` */
  constructor(size?: number) {
    const existing = adopted.take()
    if (existing !== undefined) {
      keepFor(this, existing)
    } else {
      const type = new.target as unknown as typeof SharedObject
      const family = currentFamily(type.method)
      const at = family.shared.create(size ?? type.size, originOf(type.name), kindNumber(type.kind))
      keepFor(this, { family, at })
    }
  }
}

/** Returns false if the object will get a block that exists. To be called before `super()`. */
export function isNew(): boolean {
  return !adopted.isThere
}

export function isShared(object: object): boolean {
  return handles.has(object)
}

/** Returns the handle of an object for which `isShared` returns true. */
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
