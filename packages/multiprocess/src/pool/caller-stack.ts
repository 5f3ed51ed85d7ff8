/**
 * The stack of whoever waits for a result, added to that of an error from elsewhere. It costs nothing while all goes well: V8 finds it
 * at the moment of failing, by following who awaits the promise (https://v8.dev/docs/stack-trace-api#async-stack-traces).
 */
import { fileURLToPath } from 'node:url'
import { types } from 'node:util'

export const SEPARATOR = '    -- called from --'

/** An error may fail several; the first of them is told. */
const extended = new WeakSet<Error>()

/**
 * A promise to resolve another with, which then rejects with the error.
 * @param beforehand runs when the callers have been found: V8 follows a promise as long as one alone awaits it
 */
export async function rejection(error: unknown, beforehand?: () => void): Promise<never> {
  // In the first turn the other promise begins to follow this one, before that nobody awaits it; in the second all stand.
  await null
  await null
  if (isFirst(error)) addCaller(error, rejection)
  beforehand?.()
  throw error
}

const rejected = new WeakSet<object>()

/** Of the results that one error fails, such as those of a pool that is terminated, one is asked for its callers. */
function isFirst(error: unknown): boolean {
  if (!types.isNativeError(error) || rejected.has(error)) return false
  rejected.add(error)
  return true
}

/** Adds the stack of here, without `self` and what it was called by. */
export function addCaller(error: unknown, self: (...args: never[]) => unknown): void {
  if (!types.isNativeError(error) || extended.has(error) || typeof error.stack !== 'string') return
  const here: { stack?: unknown } = {}
  Error.captureStackTrace(here, self)
  if (typeof here.stack !== 'string') return
  const library = new URL('../', import.meta.url)
  // A frame names a file by its URL or by its path, as the kind of module is.
  const places = [library.href, fileURLToPath(library)]
  const frames = here.stack
    .split('\n')
    .filter(line => /^ +at /.test(line) && !places.some(place => line.includes(place)))
  // The first lines are Node's own that ran the microtask, such as a timer: they called nothing here.
  const first = frames.findIndex(line => !line.includes('node:internal/'))
  if (first < 0) return
  extended.add(error)
  const value = [error.stack, SEPARATOR, ...frames.slice(first)].join('\n')
  // A frozen error stays as it is.
  Reflect.defineProperty(error, 'stack', { value, writable: true, configurable: true, enumerable: false })
}
