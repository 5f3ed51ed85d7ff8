/** Reads from the source text of an ES module which of its variables are exported, and by what names. */

import type { AnyFunction } from './data.ts'
import { parseModule } from './lexer.ts'
import { nameOf, textOf } from './loaded/function-text.ts'

export interface ExportTable {
  /** By the name of the local variable. */
  readonly names: ReadonlyMap<string, ExportedVariable>
  /** For `export default <expression>`, which declares no variable. */
  readonly defaultExpression: DefaultExpression | undefined
}

export interface ExportedVariable {
  /** `default` only if the variable has no other name. */
  readonly name: string
  /** Where the source names the variable for the export: in its declaration, unless a list exports it. */
  readonly at: number
}

interface DefaultExpression {
  /** The line, counted from 0. */
  readonly line: number
  /** The first characters, which exclude nearly every other function; empty for an expression in parentheses. */
  readonly head: string
  /** The variable, for `export default square`. Undefined if it is assigned to later: the export keeps the first value. */
  readonly local: string | undefined
}

const HEAD_LENGTH = 40
const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/g

/** @throws Error if the lexer cannot read the text as a module */
export function readExports(source: string): ExportTable {
  const names = new Map<string, ExportedVariable>()
  let defaultExpression: DefaultExpression | undefined
  for (const entry of parseModule(source)[1]) {
    if (entry.type !== 'direct' || entry.typeOnly) continue
    // After `export default class`, the lexer takes the next word for a name, even if it is `extends`.
    if (entry.localName === undefined || entry.localName === 'extends') {
      if (entry.name === 'default') defaultExpression = readDefault(source, entry.end)
    } else if (!names.has(entry.localName) || names.get(entry.localName)?.name === 'default') {
      names.set(entry.localName, { name: entry.name, at: entry.localStart })
    }
  }
  return { names, defaultExpression }
}

/** A quick test, before the source is read for `isDefaultExport`. */
export function mayBeDefault(table: ExportTable, fn: AnyFunction, line: number): boolean {
  const expression = table.defaultExpression
  if (expression === undefined) return false
  if (expression.local !== undefined) return nameOf(fn) === expression.local
  const text = textOf(fn)
  return line >= expression.line && (text.startsWith(expression.head) || expression.head.startsWith(text))
}

/**
 * Returns true if the function at a place in the source is the value of `export default`: the function is the whole expression, or the
 * whole value of the top-level declaration that the expression names.
 *
 * V8 shows no variable for the default export, so the text has to prove it. Two functions cannot have the same text and the same place, and
 * the top level of a module runs once.
 * @param line counted from 0, as `column` is; the place is anywhere within the function
 */
export function isDefaultExport(source: string, fn: AnyFunction, line: number, column: number): boolean {
  const entry = parseModule(source)[1].find(candidate => candidate.type === 'direct' && candidate.name === 'default')
  const text = textOf(fn)
  const place = offsetOf(source, line, column)
  const start = source.lastIndexOf(text, place)
  if (entry === undefined || start < 0 || place >= start + text.length) return false
  const { at } = skipBlank(source, entry.end)
  const local = variableAt(source, at)
  if (local !== undefined) return isDeclaredAs(source, local, start, text)
  if (start < at || !/^(?:\(|\s|\/\/.*|\/\*[\s\S]*?\*\/)*$/.test(source.slice(at, start))) return false
  return closes(source, start + text.length, source.slice(at, start).replaceAll(/[^(]/g, '').length)
}

function readDefault(source: string, end: number): DefaultExpression {
  const { at } = skipBlank(source, end)
  // Joined again, so that V8 does not keep the whole source for a slice of it.
  const head = source.charAt(at) === '(' ? '' : [...source.slice(at, at + HEAD_LENGTH)].join('')
  return { line: source.slice(0, at).match(LINE_BREAK)?.length ?? 0, head, local: variableAt(source, at) }
}

/** Returns true if `local` is declared at the top level, with the function at `start` as its value. */
function isDeclaredAs(source: string, local: string, start: number, text: string): boolean {
  const name = local.replaceAll('$', '\\$')
  const before = source.slice(0, start)
  const variable = new RegExp(`(?<![\\w$.])(const|let|var)\\s+${name}\\s*=\\s*$`).exec(before)
  const declaration = new RegExp(`^(?:async\\s+function|function|class)(?:\\s*\\*\\s*|\\s+)${name}(?![\\w$])`)
  if (
    variable === null ? !declaration.test(text) || !startsStatement(before) : !ends(source, start + text.length, true)
  ) {
    return false
  }
  const at = variable?.index ?? start
  // The lexer sees exports at the top level only, so it sees this one only if the declaration is there.
  return parseModule(`${source.slice(0, at)}export ${source.slice(at)}`)[1].some(
    entry => entry.type === 'direct' && entry.exportStart === at && entry.localName === local
  )
}

/**
 * Returns true if the text is followed by a declaration, and not by an operand such as the named function in `f = function square() {}`.
 */
function startsStatement(before: string): boolean {
  const rest = before.trimEnd()
  const line = rest.slice(Math.max(rest.lastIndexOf('\n'), rest.lastIndexOf('\r')) + 1)
  if (line.includes('//') || line.endsWith('*/')) return true
  return !/[=([,?:&|+\-*/%!~^<>.]$|(?<![\w$.])(?:typeof|void|new|delete|await|return|in|of)$/.test(line)
}

/** Returns true if an expression (with `inList`, one of several declarators) ends at `from`. */
function ends(source: string, from: number, inList = false): boolean {
  const { at, hasLineBreak } = skipBlank(source, from)
  const next = source.charAt(at)
  if (next === '' || next === ';' || (inList && next === ',')) return true
  return hasLineBreak && !/^(?:[([`+\-*/%.,<>=&|^?:]|in(?:stanceof)?\b)/.test(source.slice(at, at + 11))
}

/** Returns true if this many parentheses, and with them the whole expression, close at `from`. */
function closes(source: string, from: number, parentheses: number): boolean {
  if (parentheses === 0) return true
  let at = from
  for (let open = parentheses; open > 0; open--) {
    at = skipBlank(source, at).at
    if (source.charAt(at) !== ')') return false
    at += 1
  }
  return ends(source, at)
}

/** Returns the identifier at a place, if it is a whole expression and the variable keeps its first value. */
function variableAt(source: string, at: number): string | undefined {
  const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*/u.exec(source.slice(at, at + 200))?.[0]
  if (identifier === undefined || !ends(source, at + identifier.length)) return undefined
  const name = identifier.replaceAll('$', '\\$')
  const assignment = new RegExp(
    `(?<![\\w$.]|(?:const|let|var)\\s+)${name}\\s*(?:=(?![=>])|[-+*/%&|^?<>]+=(?!=)|\\+\\+|--)|(?:\\+\\+|--)\\s*${name}(?![\\w$])`
  )
  return assignment.test(source) ? undefined : identifier
}

function skipBlank(source: string, from: number): { at: number; hasLineBreak: boolean } {
  const blank = /(?:\s+|\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\/)*/y
  blank.lastIndex = from
  const text = blank.exec(source)?.[0] ?? ''
  return { at: from + text.length, hasLineBreak: /[\n\r\u2028\u2029]/.test(text) }
}

function offsetOf(source: string, line: number, column: number): number {
  let start = 0
  let left = line
  for (const match of source.matchAll(LINE_BREAK)) {
    if (left === 0) break
    left -= 1
    start = match.index + match[0].length
  }
  return start + column
}
