/** Callbacks in the async context of whoever gave them. */

/** The function, run in the async context of this call, whoever calls it. */
export function inContext<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  const context = new (process.getBuiltinModule('node:async_hooks').AsyncResource)('multiprocess.Pool')
  return (...args) => context.runInAsyncScope(callback, undefined, ...args)
}
