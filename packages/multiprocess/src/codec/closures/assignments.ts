/** Warns of functions that assign to a variable around them: at the receiver, they assign to a copy of it. */
import type { AnyFunction } from '../references/data.ts'
import { describeFunction } from '../references/refusals.ts'
import type { Code } from './facts.ts'

/** By places in scripts: to its author, a closure that is created again and again is one function. */
const warned = new Set<string>()
const MOST_WARNED = 1000

/** Warns once for a function that assigns to captured variables, unless it only gives them a first value (`cache ??= …`). */
export function warnOfAssignments(fn: AnyFunction, code: Code): void {
  const { changed } = code.text.names
  if (changed.size === 0) return
  const names = code.captured.filter(name => changed.has(name) && !code.constants.has(name))
  if (names.length === 0) return
  const place = `${code.scriptId}:${code.line}:${code.column}`
  if (warned.has(place) || warned.size >= MOST_WARNED) return
  warned.add(place)
  const [variable, its] = names.length === 1 ? ['variable', 'its value'] : ['variables', 'their values']
  process.emitWarning(
    `${describeFunction(fn)} assigns to the captured ${variable} ${names.map(name => `\`${name}\``).join(', ')}: the process ` +
      `that runs it assigns to a copy, and nothing changes here. Return the result, or keep ${its} in a shared Value`,
    { type: 'MultiprocessWarning', code: 'MULTIPROCESS_CAPTURED_ASSIGNMENT' }
  )
}
