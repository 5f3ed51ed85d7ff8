/**
 * For V8, received code that a compiler or loader generated has places in the generated text. Node's source maps cover only modules that
 * Node loaded itself. So such code comes with its own map, and is compiled under a name that leads to the map; stacks are rewritten with it
 * before any other code sees them.
 */

import { fileURLToPath } from 'node:url'

/**
 * Five numbers for each segment, in the code's order: line and column in the code, number of the source, line and column there. All count
 * from 0.
 */
export interface PositionMap {
  readonly sources: readonly string[]
  readonly segments: readonly number[]
}

interface Mapped {
  readonly name: string
  readonly map: PositionMap
}

export interface Position {
  readonly source: string
  readonly line: number
  readonly column: number
}

const MARK = '#mapped-'
const MARKED = /([^\s()]*)#mapped-(\d+)(?::(\d+):(\d+))?/g
const SEGMENT = 5

const byCode = new Map<string, Mapped>()
const byNumber = new Map<number, PositionMap>()
const MOST_MAPS = 2000
let count = 0

/** Returns the name under which the code is to be compiled. */
export function nameMapped(url: string, code: string, line: number, column: number, map: PositionMap): string {
  const key = `${line}:${column} ${url} ${code}`
  let mapped = byCode.get(key)
  if (mapped === undefined) {
    if (byCode.size >= MOST_MAPS) forgetOldest()
    mapped = { name: `${url}${MARK}${++count}`, map }
    byCode.set(key, mapped)
    byNumber.set(count, map)
  }
  return mapped.name
}

function forgetOldest(): void {
  for (const [key, { name }] of byCode) {
    byCode.delete(key)
    byNumber.delete(numberOf(name)!)
    return
  }
}

/** Returns the number of the map in a name from `nameMapped`. */
export function numberOf(name: string): number | undefined {
  const at = name.lastIndexOf(MARK)
  return at < 0 ? undefined : Number(name.slice(at + MARK.length))
}

/** Returns the URL in such a name. */
export function withoutMark(name: string): string {
  const at = name.lastIndexOf(MARK)
  return at < 0 ? name : name.slice(0, at)
}

/** Returns the place in the source for a place in received code; undefined if the map does not contain it. */
export function positionOf(number: number, line: number, column: number): Position | undefined {
  const map = byNumber.get(number)
  if (map === undefined) return undefined
  const { segments, sources } = map
  let low = 0
  let high = segments.length / SEGMENT
  while (low < high) {
    const middle = (low + high) >> 1
    const at = middle * SEGMENT
    if (segments[at] < line || (segments[at] === line && segments[at + 1] <= column)) low = middle + 1
    else high = middle
  }
  const at = (low - 1) * SEGMENT
  if (low === 0 || segments[at] !== line) return undefined
  return { source: sources[segments[at + 2]], line: segments[at + 3], column: segments[at + 4] }
}

/** Does the same for an error that is about to be printed, and for its causes. */
export function mapStacks(error: unknown): void {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 10; cause = cause.cause, depth++) {
    if (count > 0 && typeof cause.stack === 'string' && cause.stack.includes(MARK)) cause.stack = mapStack(cause.stack)
  }
}

/** Returns a stack that names the sources, in the form that Node uses with its own source maps. */
export function mapStack(stack: string): string {
  if (count === 0 || !stack.includes(MARK)) return stack
  return stack.replaceAll(MARKED, (_, url: string, number: string, line?: string, column?: string) => {
    if (line === undefined) return url
    const position = positionOf(Number(number), Number(line) - 1, Number(column) - 1)
    if (position === undefined) return `${url}:${line}:${column}`
    const { source } = position
    const file = source.startsWith('file:') ? fileURLToPath(source) : source
    return `${file}:${position.line + 1}:${position.column + 1}`
  })
}
