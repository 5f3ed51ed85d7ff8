import type { AnyFunction } from '../data.ts'

/** Returns the name that a function was given. A static member called `name` is not a name, and a getter of that name is not run. */
export function nameOf(fn: AnyFunction): string {
  const name = Object.getOwnPropertyDescriptor(fn, 'name')?.value
  return typeof name === 'string' ? name : ''
}

/** Returns the source text, whatever the function's own `toString` returns. */
export function textOf(fn: AnyFunction): string {
  return Function.prototype.toString.call(fn)
}

/** Returns true for a function of the language or of Node, and for a bound function. */
export function isNative(fn: AnyFunction): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(textOf(fn).slice(-40))
}
