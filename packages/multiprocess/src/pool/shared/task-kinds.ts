/** How a task's message is to be run. */

export type Runnable = (...args: unknown[]) => unknown

/** The message is the arguments. */
export const APPLY = 0
/** The message is a chunk of items; the first error is the chunk's. Answers the results. */
export const MAP = 1
/** The same, each item being an array of arguments. */
export const STARMAP = 2
/** The message is a chunk of items, each of which succeeds or fails by itself. Answers [isError, value] for each, flat. */
export const IMAP = 3

/** The message is the function and its arguments: `{ fn, args }`. */
export const CALL = 4

/** With MAP or STARMAP: the worker may answer fewer results than there are items; the others are then given to all again. */
export const MAY_STOP = 16

/** The message ends with what carries the caller's context: its last element, or `carrier` of CALL's. */
export const TRACED = 32

const KINDS = 15

/** The kind without its flags. */
export function kindOf(kindAndFlags: number): number {
  return kindAndFlags & KINDS
}

/** True if the message of such a kind is a chunk of items. */
export function isChunk(kind: number): boolean {
  return kind === MAP || kind === STARMAP || kind === IMAP
}

/** Of a chunk of `imap`, whose items succeed or fail by themselves: the errors of those that failed. */
export function itemErrors(kind: number, result: unknown): unknown[] {
  if (kind !== IMAP || !Array.isArray(result)) return []
  return result.filter((_, i) => i % 2 === 1 && result[i - 1] === true)
}

/** How many results a task has given. */
export function resultCount(kind: number, result: unknown): number {
  if (!isChunk(kind) || !Array.isArray(result)) return 1
  return kind === IMAP ? result.length / 2 : result.length
}

/** The number of items of a chunk, as a worker gets it; 1 if the task is not a chunk. */
export function itemCount(kind: number, message: unknown): number {
  return isChunk(kind) ? (message as unknown[]).length : 1
}

/** What happens between the items of a chunk. */
export interface Steps {
  /** Before each item. */
  readonly onItem?: (() => void) | undefined
  /** After the first item: after how many more to ask again; 0: what there is is to be answered now. */
  readonly itemsUntilLook?: ((done: number, left: number) => number) | undefined
}

const NO_STEPS: Steps = {}

/** A promise only if `fn` answers one. */
export function runKind(kindAndFlags: number, fn: Runnable, message: unknown[], steps: Steps = NO_STEPS): unknown {
  const kind = kindOf(kindAndFlags)
  if (kind === APPLY) return fn(...message)
  if (kind === CALL) {
    const { fn: sent, args } = message as unknown as { fn: Runnable; args: unknown[] }
    return sent(...args)
  }
  if (kind === MAP) return runChunk(message, item => fn(item), steps)
  if (kind === STARMAP) return runChunk(message, item => fn(...checkArguments(item)), steps)
  return runEach(message, fn, steps)
}

function checkArguments(item: unknown): unknown[] {
  if (Array.isArray(item)) return item
  throw new TypeError(`an item of starmap must be an array of arguments, not ${item === null ? 'null' : typeof item}`)
}

function runChunk(
  items: unknown[],
  call: (item: unknown) => unknown,
  steps: Steps,
  results: unknown[] = roomFor(items.length),
  from = 0
): unknown {
  let next = steps.itemsUntilLook === undefined ? Number.POSITIVE_INFINITY : from
  for (let i = from; i < items.length; i++) {
    steps.onItem?.()
    const result = call(items[i])
    if (isPromise(result)) {
      return Promise.resolve(result).then(value => {
        results[i] = value
        if (steps.itemsUntilLook?.(i + 1, items.length - i - 1) === 0) return firstOf(results, i + 1)
        return runChunk(items, call, steps, results, i + 1)
      })
    }
    results[i] = result
    if (i < next) continue
    const count = steps.itemsUntilLook?.(i + 1, items.length - i - 1) ?? 0
    if (count === 0) return firstOf(results, i + 1)
    next = i + count
  }
  return results
}

/** An array that grows is copied again and again; V8 makes a table of one that is much longer at once. */
const MOST_AT_ONCE = 1_000_000
const roomFor = (count: number): unknown[] => (count <= MOST_AT_ONCE ? new Array(count) : [])

function firstOf(results: unknown[], count: number): unknown[] {
  results.length = count
  return results
}

function runEach(items: unknown[], fn: Runnable, steps: Steps, results: unknown[] = [], from = 0): unknown {
  for (let i = from; i < items.length; i++) {
    steps.onItem?.()
    try {
      const result = fn(items[i])
      if (isPromise(result)) {
        return Promise.resolve(result)
          .then(
            value => results.push(false, value),
            error => results.push(true, error)
          )
          .then(() => runEach(items, fn, steps, results, i + 1))
      }
      results.push(false, result)
    } catch (error) {
      results.push(true, error)
    }
  }
  return results
}

/** A thenable may call back twice, or throw when it is asked: `Promise.resolve` settles once. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
