/**
 * Classes that were sent by value keep their identity: each has a name from the process in which it was written. By this name, a process
 * recognises a class that it has received before, and its own class that comes back.
 */

import type { AnyFunction } from '../references/data.ts'

export interface KnownClass {
  readonly fn: AnyFunction
  /** Functions that set the variables of its code; null for a class of this process. */
  readonly setters: readonly ((value: unknown) => void)[] | null
}

interface Entry {
  readonly reference: WeakRef<AnyFunction>
  readonly setters: KnownClass['setters']
}

const origins = new WeakMap<AnyFunction, string>()
const classes = new Map<string, Entry>()
const dropped = new FinalizationRegistry<string>(origin => {
  if (classes.get(origin)?.reference.deref() === undefined) classes.delete(origin)
})
let prefix: string | undefined
let count = 0

export function originOf(fn: AnyFunction): string {
  let origin = origins.get(fn)
  if (origin === undefined) {
    prefix ??= process.getBuiltinModule('node:crypto').randomBytes(9).toString('base64')
    origin = `${prefix}${++count}`
    rememberClass(origin, fn, null)
  }
  return origin
}

export function rememberClass(origin: string, fn: AnyFunction, setters: KnownClass['setters']): void {
  origins.set(fn, origin)
  classes.set(origin, { reference: new WeakRef(fn), setters })
  dropped.register(fn, origin)
}

export function knownClass(origin: string): KnownClass | undefined {
  const entry = classes.get(origin)
  const fn = entry?.reference.deref()
  return fn === undefined ? undefined : { fn, setters: entry!.setters }
}
