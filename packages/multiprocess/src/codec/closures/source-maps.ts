/** Finds the places of a function's text in the source from which it was made, if Node has source maps enabled. */

import module from 'node:module' // lazy
import { type Position, positionOf } from '../values/mapped-stacks.ts'
import type { Code } from './facts.ts'

/** A place in a function's text, counted from where the text begins: columns of the first line count from there. */
export interface MappedPlace extends Position {
  readonly textLine: number
  readonly textColumn: number
}

const known = new Map<string, readonly MappedPlace[]>()
const MOST_KNOWN = 1000
const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/
/** A longer text is sent without its map. */
const LONGEST_TEXT = 200_000

/** Returns the places at which a new segment begins; empty if there is no map. */
export function mappedPlaces(code: Code): readonly MappedPlace[] {
  const { sourceMapsEnabled } = process as { sourceMapsEnabled?: boolean }
  if ((sourceMapsEnabled !== true && code.mapNumber === undefined) || code.url === '') return []
  const key = `${code.scriptId}:${code.line}:${code.column}:${code.text.source.length}`
  let places = known.get(key)
  if (places === undefined) {
    if (known.size >= MOST_KNOWN) known.clear()
    places = find(code)
    known.set(key, places)
  }
  return places
}

function find(code: Code): MappedPlace[] {
  const text = code.text.source.slice(code.text.prefixLength)
  const lookUp = text.length > LONGEST_TEXT ? undefined : positions(code)
  if (lookUp === undefined) return []
  const places: MappedPlace[] = []
  for (const [textLine, { length }] of text.split(LINE_BREAK).entries()) {
    const first = textLine === 0 ? code.column : 0
    let last: Position | undefined
    for (let textColumn = 0; textColumn < length; textColumn++) {
      const position = lookUp(code.line + textLine, first + textColumn)
      if (position === undefined) continue
      if (last?.line === position.line && last.column === position.column && last.source === position.source) continue
      last = position
      places.push({ ...position, textLine, textColumn })
    }
  }
  return places
}

type LookUp = (line: number, column: number) => Position | undefined

function positions({ url, mapNumber }: Code): LookUp | undefined {
  if (mapNumber !== undefined) return (line, column) => positionOf(mapNumber, line, column)
  const map = module.findSourceMap(url)
  if (map === undefined) return undefined
  return (line, column) => {
    const entry = map.findEntry(line, column)
    if (!('originalSource' in entry) || entry.generatedLine !== line) return undefined
    return { source: entry.originalSource, line: entry.originalLine, column: entry.originalColumn }
  }
}
