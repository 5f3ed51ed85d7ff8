/** Combines the functions of a message into units of code. */

import { type ImportBinding, importsComment } from '../references/bindings.ts'
import { isEntry } from '../references/entries.ts'
import type { PositionMap } from '../values/mapped-stacks.ts'
import type { Code } from './facts.ts'
import type { CodeData, FunctionData, UnitData, VariableData } from './format.ts'
import type { SharedScope, Variable } from './scopes.ts'
import { type MappedPlace, mappedPlaces } from './source-maps.ts'
import { HERITAGE, PRIVATE } from './text.ts'

const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/
/** If a function begins further to the right, as in a bundle of one line, our text precedes it in its line. */
const MOST_INDENT = 2000

/** A function in one message. */
export interface Definition {
  readonly code: Code
  readonly name: string
  readonly variables: readonly Variable[]
  readonly early: readonly Variable[]
  readonly origin: string | undefined
}

/** @param moduleNumber returns the number of a required module */
export function makeUnits(definitions: readonly Definition[], moduleNumber: (module: string) => number): CodeData {
  const functions: FunctionData[] = new Array(definitions.length)
  const units = groups(definitions).map((members, unit) => {
    const writer = new UnitWriter(moduleNumber)
    const data = writer.write(members.map(number => definitions[number]))
    for (const [position, number] of members.entries()) {
      const { code, name, variables, early, origin } = definitions[number]
      functions[number] = {
        unit,
        index: writer.indexes[position],
        hasHeritage: code.text.hasHeritage,
        name,
        values: variables.filter(variable => !early.includes(variable)).map(({ id }) => id),
        early: early.map(({ id }) => id),
        origin
      }
    }
    return data
  })
  return { units, functions }
}

/** Returns the numbers of the definitions, grouped: definitions that share a variable to which one of them assigns are together. */
function groups(definitions: readonly Definition[]): number[][] {
  const groupOf = new Map<number, number[]>(definitions.map((_, number) => [number, [number]]))
  const first = new Map<Variable, number>()
  for (const [number, { variables }] of definitions.entries()) {
    for (const variable of variables) {
      if (!variable.isAssigned) continue
      const other = first.get(variable)
      if (other === undefined) {
        first.set(variable, number)
        continue
      }
      const mine = groupOf.get(number)!
      const theirs = groupOf.get(other)!
      if (mine === theirs) continue
      theirs.push(...mine)
      for (const member of mine) groupOf.set(member, theirs)
    }
  }
  return [...new Set(groupOf.values())]
}

/** A scope of the unit: the variables declared there, and the functions in it. */
interface Block {
  readonly variables: Set<Variable>
  readonly functions: number[]
  readonly inner: Map<SharedScope, Block>
}

const newBlock = (): Block => ({ variables: new Set(), functions: [], inner: new Map() })

class UnitWriter {
  readonly indexes: number[] = []
  readonly #moduleNumber: (module: string) => number
  readonly #variables: VariableData[] = []
  /** The functions whose text has a source map, and where their text begins. */
  readonly #mapped: { readonly places: readonly MappedPlace[]; readonly at: number }[] = []
  #functionCount = 0
  #isAlone = false
  #text = ''
  /** The present place in the text, as lines and columns of the original; undefined before the first function. */
  #line: number | undefined
  #firstLine = 0
  #firstColumn = 0

  constructor(moduleNumber: (module: string) => number) {
    this.#moduleNumber = moduleNumber
  }

  write(members: readonly Definition[]): UnitData {
    const [{ code }] = members
    this.#isAlone = members.length === 1
    const imports = new Map<string, ImportBinding>(members.flatMap(member => [...member.code.imports]))
    const own = new Set(members.flatMap(member => member.code.own))
    // First, because a directive must come before everything else.
    this.#text = `${importsComment(imports)}${code.isStrict ? '"use strict";' : ''}`
    for (const [name, { module, name: exportName }] of imports) {
      if (members.every(member => member.code.constants.has(name))) continue
      this.#declare(name, [this.#moduleNumber(module), exportName])
    }
    for (const name of own) if (name === 'require' || name === 'module') this.#declare(name, name)
    // So that the module is loaded there; the main program never is.
    if (own.has('this') && !isEntry(code.url)) this.#moduleNumber(code.url)
    this.#writeBlock(blockOf(members), members)
    return {
      url: code.url,
      line: this.#firstLine,
      column: this.#firstColumn,
      code: this.#text,
      map: this.#map(),
      hasModuleThis: own.has('this') || undefined,
      variables: this.#variables
    }
  }

  #map(): PositionMap | undefined {
    const sources: string[] = []
    const segments: number[] = []
    for (const { places, at } of this.#mapped) {
      const lines = this.#text.slice(0, at).split(LINE_BREAK)
      const firstLine = this.#firstLine + lines.length - 1
      const firstColumn = lines.at(-1)!.length + (lines.length === 1 ? this.#firstColumn : 0)
      for (const { textLine, textColumn, source, line, column } of places) {
        if (!sources.includes(source)) sources.push(source)
        const place = [firstLine + textLine, textLine === 0 ? firstColumn + textColumn : textColumn]
        segments.push(...place, sources.indexOf(source), line, column)
      }
    }
    return segments.length === 0 ? undefined : { sources, segments }
  }

  #declare(name: string, data: VariableData): void {
    this.#text += `let ${name};__mp$s.push(__mp$v=>{${name}=__mp$v});`
    this.#variables.push(data)
  }

  #writeBlock(block: Block, members: readonly Definition[]): void {
    for (const { name, id } of block.variables) this.#declare(name, id)
    for (const position of block.functions) this.#writeFunction(members[position], position)
    for (const inner of block.inner.values()) {
      this.#text += '{'
      this.#writeBlock(inner, members)
      this.#text += '}'
    }
  }

  /** Makes constants of variables to which a function assigns: they are declared where only the function can see them. */
  #constants({ constants, imports }: Code, variables: readonly Variable[]): { begin: string; end: string } {
    if (constants.size === 0) return { begin: '', end: '' }
    for (const name of constants) {
      const imported = imports.get(name)
      if (imported === undefined) this.#variables.push(variables.find(variable => variable.name === name)!.id)
      else this.#variables.push([this.#moduleNumber(imported.module), imported.name])
    }
    const declared = [...constants].map(name => `${name}=yield`)
    return { begin: '__mp$k(function*(){', end: `const ${declared}}.bind(this),${constants.size});` }
  }

  #writeFunction({ code, name, variables }: Definition, position: number): void {
    const { source, ownName, isMember } = code.text
    const isNamed = ownName !== undefined || isMember || name === ''
    const helpers = code.text.isClass ? `(${HERITAGE},${PRIVATE})` : '()'
    const key = JSON.stringify(name)
    const constants = this.#constants(code, variables)
    const before = `${constants.begin}__mp$f.push(${helpers}=>${isNamed ? '(' : `({${key}:`}`
    const after = `${isNamed ? ')' : `})[${key}]`});${constants.end}`
    const isApart = this.#line === undefined && code.line > 0 && code.column <= MOST_INDENT
    if (isApart) this.#beginApart(code, before)
    else this.#moveTo(code.line, code.column, before.length)
    const begin = isApart ? '' : before
    const places = mappedPlaces(code)
    if (places.length > 0) this.#mapped.push({ places, at: this.#text.length + begin.length + code.text.prefixLength })
    this.#text += `${begin}${source}`
    this.#line! += source.split(LINE_BREAK).length - 1
    this.#text += isApart && this.#isAlone ? `\n${after}` : after
    this.indexes[position] = this.#functionCount++
  }

  /** Makes the line of an uncaught error, which Node quotes, begin with the function's own text: our text is in the line before. */
  #beginApart({ line, column }: Code, before: string): void {
    this.#text += `${before}\n${' '.repeat(column)}`
    this.#firstLine = line - 1
    this.#line = line
  }

  /** Moves to where the function's text is to begin, if that is ahead. */
  #moveTo(line: number, column: number, beforeLength: number): void {
    if (this.#line === undefined) {
      this.#line = this.#firstLine = line
      this.#firstColumn = column - beforeLength - this.#text.length
      return
    }
    if (line <= this.#line) return
    this.#text += '\n'.repeat(line - this.#line)
    this.#line = line
    this.#text += ' '.repeat(Math.max(0, column - beforeLength))
  }
}

function blockOf(members: readonly Definition[]): Block {
  const root = newBlock()
  const ordered = [...members.entries()].sort(
    ([, { code: a }], [, { code: b }]) => a.line - b.line || a.column - b.column
  )
  for (const [position, { code, variables }] of ordered) {
    let innermost = root
    let depth = 0
    for (const variable of variables) {
      if (code.constants.has(variable.name)) continue
      const chain = chainOf(variable.scope)
      let block = root
      for (const scope of chain) {
        let inner = block.inner.get(scope)
        if (inner === undefined) {
          inner = newBlock()
          block.inner.set(scope, inner)
        }
        block = inner
      }
      block.variables.add(variable)
      if (chain.length > depth) {
        depth = chain.length
        innermost = block
      }
    }
    innermost.functions.push(position)
  }
  return root
}

/** Returns the chain of scopes, from the outermost. */
function chainOf(scope: SharedScope): SharedScope[] {
  const chain: SharedScope[] = []
  for (let link: SharedScope | undefined = scope; link !== undefined; link = link.parent) chain.unshift(link)
  return chain
}
