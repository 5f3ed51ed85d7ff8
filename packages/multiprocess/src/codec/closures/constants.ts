/**
 * The captured values of a function that captures only constants. Once initialised, they cannot change, so they are read once, even if the
 * function is sent again. The contents of objects among them are written each time.
 */

import type { AnyFunction } from '../references/data.ts'
import type { FunctionFacts, FunctionReader } from '../references/inspector.ts'
import { textOf } from '../references/loaded/function-text.ts'
import { type Code, scopeOf } from './facts.ts'
import { areConstants } from './place.ts'

/** Kept as long as the function lives, which itself keeps the values. */
const kept = new WeakMap<AnyFunction, ReadonlyMap<string, unknown>>()
/**
 * Keeping values pays only for functions that are sent more than once. A function that was sent and captures other variables is not
 * examined again.
 */
const looks = new WeakMap<AnyFunction, 'sent' | 'no'>()
/** By places in scripts. */
const places = new Map<string, boolean>()
const MOST_PLACES = 1000

/** Returns the kept values; undefined if V8 has to be asked. */
export function keptConstants(fn: AnyFunction): ReadonlyMap<string, unknown> | undefined {
  return kept.get(fn)
}

/** Keeps the values that were read, if they are the values of constants. */
export function keepConstants(
  fn: AnyFunction,
  code: Code,
  facts: FunctionFacts,
  values: ReadonlyMap<string, unknown>,
  reader: FunctionReader
): void {
  const look = looks.get(fn)
  if (look === 'no') return
  if (look === undefined) {
    looks.set(fn, 'sent')
    return
  }
  // Node 20 shows a variable that is not initialised yet as undefined.
  if ([...values.values()].includes(undefined)) return
  if (standsInScript(code, facts) && areConstantsAt(code, textOf(fn), reader)) kept.set(fn, values)
  else looks.set(fn, 'no')
}

/** Returns true if no captured variable belongs to a script: the REPL can declare the constants of its scripts again. */
function standsInScript({ captured }: Code, { scopes }: FunctionFacts): boolean {
  return captured.every(name => !/^(?:Script|With)/.test(scopeOf(scopes, name)?.kind ?? 'Script'))
}

function areConstantsAt({ scriptId, line, column, captured }: Code, text: string, reader: FunctionReader): boolean {
  const key = `${scriptId}:${line}:${column}`
  let found = places.get(key)
  if (found === undefined) {
    if (places.size >= MOST_PLACES) places.clear()
    const script = reader.script(scriptId)
    found = script !== undefined && areConstants(captured, reader.source(scriptId), script, text, line, column)
    places.set(key, found)
  }
  return found
}
