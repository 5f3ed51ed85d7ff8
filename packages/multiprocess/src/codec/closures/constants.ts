/**
 * The values of a function that captures nothing but constants: what they are, once they are initialised, nobody can change, so a
 * function that is sent again is not asked for them again. What objects among them hold is written anew each time.
 */

import type { AnyFunction } from '../references/data.ts'
import type { FunctionFacts, FunctionReader } from '../references/inspector.ts'
import { textOf } from '../references/loaded/function-text.ts'
import { type Code, scopeOf } from './facts.ts'
import { areConstants } from './place.ts'

/** As long as the function lives, which keeps them itself. */
const kept = new WeakMap<AnyFunction, ReadonlyMap<string, unknown>>()
/** It pays for what is sent more than once: a function that was, and is no such one, is not looked at again. */
const looks = new WeakMap<AnyFunction, 'sent' | 'no'>()
/** By places in scripts. */
const places = new Map<string, boolean>()
const MOST_PLACES = 1000

/** Undefined: V8 has to be asked. */
export function keptConstants(fn: AnyFunction): ReadonlyMap<string, unknown> | undefined {
  return kept.get(fn)
}

/** Keeps the values that were read, if they are those of constants. */
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
  // Node 20 shows what is not initialised yet as undefined.
  if ([...values.values()].includes(undefined)) return
  if (standsInScript(code, facts) && areConstantsAt(code, textOf(fn), reader)) kept.set(fn, values)
  else looks.set(fn, 'no')
}

/** The REPL declares a constant of its scripts anew when it is told to. */
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
