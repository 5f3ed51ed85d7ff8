/**
 * Checks the arguments of users: options objects, numbers, functions. A function that takes options checks them before it does anything, so
 * a misspelt option is an error in its own line instead of a wait without end.
 */
import { ValueError } from './errors.ts'

/** The options that a function takes. */
export interface OptionNames {
  /** An example of the options, for errors. */
  readonly like: string
  readonly names: ReadonlySet<string>
}

/** Returns the options of a function, for `checkOptions`. */
export function optionNames(like: string, ...names: string[]): OptionNames {
  return { like, names: new Set(names) }
}

/**
 * Throws unless `options` is undefined, or an object whose fields are all known.
 * @throws TypeError for a number, boolean, function or null, and for an unknown field, with the name that may have been meant
 */
export function checkOptions(options: unknown, { like, names }: OptionNames): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`options must be an object such as ${like}, got ${describe(options)}`)
  }
  for (const name in options) {
    if (!names.has(name)) {
      throw new TypeError(`unknown option ${quote(name)}${hintFor(name, names)} The options here are ${listOf(names)}`)
    }
  }
}

/** The names that Python and other libraries use, in lower case and without `_`. */
const HINTS: Readonly<Record<string, string>> = {
  block: 'give { timeout: 0 } to return at once',
  blocking: 'give { timeout: 0 } to return at once',
  concurrenttasksperworker: 'give { concurrency }',
  ctx: 'give { context }',
  filename: 'give the function itself to apply() or map()',
  group: 'leave it out, as Python does',
  idletimeoutmillis: 'give { idleTimeout }, in milliseconds',
  kwargs: 'JavaScript has no keyword arguments: put an object into args',
  kwds: 'JavaScript has no keyword arguments: put an object into args',
  maxthreads: 'the number of workers is the first argument, as in new Pool(4)',
  maxworkers: 'the number of workers is the first argument, as in new Pool(4)',
  minthreads: 'give { minProcesses }; the most is the first argument, as in new Pool(4)',
  minworkers: 'give { minProcesses }; the most is the first argument, as in new Pool(4)',
  numthreads: 'the number of workers is the first argument, as in new Pool(4)',
  processes: 'the number of workers is the first argument, as in new Pool(4)',
  recordtiming: 'give { timings: true }',
  resourcelimits: 'give { maxMemoryPerChild }, or start Node with --max-old-space-size',
  workerdata: 'give { initializer, initargs }',
  workertype: 'import from multiprocess or from multiprocess/threads'
}

function hintFor(name: string, names: ReadonlySet<string>): string {
  const folded = fold(name)
  const same = [...names].find(known => fold(known) === folded)
  if (same === undefined && Object.hasOwn(HINTS, folded)) return `: ${HINTS[folded]}.`
  const similar = same ?? nearest(folded, names)
  return similar === undefined ? '.' : `: did you mean ${quote(similar)}?`
}

const fold = (name: string): string => name.replaceAll(/[_-]/g, '').toLowerCase()

/** Returns the most similar name. Allows one typing error in three letters. */
function nearest(folded: string, names: ReadonlySet<string>): string | undefined {
  let found: string | undefined
  let best = Math.floor(folded.length / 3) + 1
  for (const name of names) {
    const distance = editDistance(folded, fold(name))
    if (distance < best) [best, found] = [distance, name]
  }
  return found
}

/** Returns the Damerau distance: the number of letters to insert, delete or replace, and of neighbours to swap. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = [...Array(b.length + 1).keys()]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
      if (i > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j], before[j - 2] + 1)
    }
    before = row
    row = next
  }
  return row[b.length]
}

function listOf(names: ReadonlySet<string>): string {
  return [...names].sort().join(', ')
}

const quote = (text: string): string => `'${text}'`

/** Returns a value's text for errors: `'2' (a string)`, `2.5`, `null`, `an object`. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      const text = value.length > 60 ? `${value.slice(0, 57)}...` : value
      return `'${text}' (a string)`
    }
    case 'bigint':
      return `${value}n (a bigint)`
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object'
    default:
      return String(value)
  }
}

/** Returns the text of what `checkInteger` accepts: `a positive integer`, `an integer from 0 to 9`. */
function rangeText(min: number, max: number): string {
  if (max < Number.MAX_SAFE_INTEGER) return `an integer from ${min} to ${max}`
  if (min === 1) return 'a positive integer'
  if (min === 0) return 'an integer of 0 or more'
  return min > Number.MIN_SAFE_INTEGER ? `an integer of ${min} or more` : 'an integer'
}

/**
 * Checks an integer.
 * @returns the value
 * @throws TypeError if the value is not a number, ValueError if it is not an integer from `min` to `max`
 */
export function checkInteger(
  name: string,
  value: unknown,
  min: number = Number.MIN_SAFE_INTEGER,
  max: number = Number.MAX_SAFE_INTEGER
): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be ${rangeText(min, max)}, got ${describe(value)}`)
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new ValueError(`${name} must be ${rangeText(min, max)}, got ${value}`)
}

/**
 * Checks a duration.
 * @param least the least value, in milliseconds. Default: any value above 0
 * @returns the value, in milliseconds; Infinity is allowed
 * @throws TypeError if the value is not a number, ValueError for NaN, 0 and below, and values below the least one
 */
export function checkDuration(name: string, value: unknown, least = 0): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of milliseconds, got ${describe(value)}`)
  if (!(value > 0) || value < least) {
    const range = least > 0 ? `${least} milliseconds or more` : 'more than 0 milliseconds'
    throw new ValueError(`${name} must be ${range}, got ${value}`)
  }
  return value
}

/** @throws TypeError if the value is neither true nor false */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be true or false, got ${describe(value)}`)
}

/** @throws TypeError if the value is not a string */
export function checkString(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError(`${name} must be a string, got ${describe(value)}`)
}

/**
 * @param like an example of a valid value
 * @throws TypeError if the value cannot be called
 */
export function checkFunction(name: string, value: unknown, like?: string): void {
  if (typeof value === 'function') return
  throw new TypeError(
    `${name} must be a function${like === undefined ? '' : `, such as ${like}`}, got ${describe(value)}`
  )
}

/** @throws TypeError if the value is not an array */
export function checkArray(name: string, value: unknown): void {
  if (Array.isArray(value)) return
  throw new TypeError(`${name} must be an array, got ${describe(value)}`)
}
