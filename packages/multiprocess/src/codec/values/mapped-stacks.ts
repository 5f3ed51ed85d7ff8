/**
 * Received code that a compiler or loader made stands, in V8's eyes, in what that made. Node's source maps are of whole modules that it
 * loaded itself, so such code brings a map of its own, and is compiled under a name that leads to it; stacks are rewritten with it
 * before anybody else gets to see them.
 */

import { fileURLToPath } from 'node:url'

/** By fives: line and column in the code, number of the source, line and column there. All count from 0; in the code's order. */
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

/** The name to compile the code under. */
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

/** The map's number in a name that `nameMapped` gave. */
export function numberOf(name: string): number | undefined {
  const at = name.lastIndexOf(MARK)
  return at < 0 ? undefined : Number(name.slice(at + MARK.length))
}

/** The URL in it. */
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

/** The same for an error that is about to be printed, and for its causes. */
export function mapStacks(error: unknown): void {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 10; cause = cause.cause, depth++) {
    if (count > 0 && typeof cause.stack === 'string' && cause.stack.includes(MARK)) cause.stack = mapStack(cause.stack)
  }
}

/** A stack that names the sources, as Node writes it with its own source maps. */
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
