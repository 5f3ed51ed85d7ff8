import type { AnyFunction } from '../data.ts'

/** The name that a function was given; a static member called `name` is none, and a getter of that name is not run. */
export function nameOf(fn: AnyFunction): string {
  const name = Object.getOwnPropertyDescriptor(fn, 'name')?.value
  return typeof name === 'string' ? name : ''
}

/** The source text, whatever the function's own `toString` says. */
export function textOf(fn: AnyFunction): string {
  return Function.prototype.toString.call(fn)
}

/** Whether it is the language's or Node's own, or bound. */
export function isNative(fn: AnyFunction): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(textOf(fn).slice(-40))
}
