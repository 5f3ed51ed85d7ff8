/**
 * What the text of a function alone tells, and the text as it is compiled again elsewhere: an expression of the same length, line by line,
 * whose value is the function.
 */

import { type Node, parseFunction } from '../references/syntax.ts'
import { type Names, namesIn, privateNameIn } from './names.ts'

/** Replaces `import.meta`, and has the same length. */
export const META = '__mp$meta__'
/** Replaces the class that a class extends. */
export const HERITAGE = '__mp$h'
/** Takes the method out of an object or a class that has one member. */
export const MEMBER = '__mp$m'
/** Takes the functions that set a class's static private fields. */
export const PRIVATE = '__mp$p'

export interface FunctionText {
  readonly isClass: boolean
  readonly isArrow: boolean
  readonly names: Names
  /** The expression. */
  readonly source: string
  /** The length of what precedes the function's own text in it. */
  readonly prefixLength: number
  readonly hasHeritage: boolean
  /** The name that the text gives the function; undefined if the function is named after what it is assigned to. */
  readonly ownName: string | undefined
  /** How far from the text's start V8 locates the function. */
  readonly locatedAt: number
  /** The texts of a class's methods and accessors, each after `static ` or nothing. */
  readonly members: ReadonlySet<string>
  readonly privateFields: readonly string[]
  readonly staticPrivateFields: readonly string[]
  /** A private name of a class around the text. */
  readonly foreignPrivate: string | undefined
  readonly isMember: boolean
}

const known = new Map<string, FunctionText>()
const MOST_KNOWN = 2000

/**
 * Reads the text of a function.
 * @param isAnonymous true if the function's own name does not refer to the function within it, and is left out
 * @throws SyntaxError if the parser cannot read the text
 */
export function readFunctionText(text: string, isStrict: boolean, isAnonymous = false): FunctionText {
  const key = `${isStrict ? 's' : ''}${isAnonymous ? 'a' : ''} ${text}`
  let read = known.get(key)
  if (read === undefined) {
    if (known.size >= MOST_KNOWN) known.clear()
    read = readText(text, isStrict, isAnonymous)
    known.set(key, read)
  }
  return read
}

function readText(text: string, isStrict: boolean, isAnonymous: boolean): FunctionText {
  const { form, node } = parseFunction(text)
  if (node.type === 'ClassExpression') return readClass(text, node)
  const fn: Node = form === 'expression' ? node : node.value
  const edits: Edit[] = []
  if (isAnonymous && node.id) edits.push({ start: node.id.start, end: node.id.end, text: '' })
  const names = namesIn(node, isStrict)
  const reread = isAnonymous ? namesIn({ ...node, id: null }, isStrict) : names
  edits.push(...metaEdits(names))
  let source: string
  if (form === 'expression') {
    source = edit(text, edits)
  } else {
    // The key may be an expression that only the surrounding class or object can evaluate.
    if (node.computed) edits.push({ start: text.indexOf('['), end: bracketEnd(text, node), text: '["k"]' })
    source = `${MEMBER}(${form === 'member' ? '{' : 'class{'}${edit(text, edits)}\n})`
  }
  return {
    isClass: false,
    isArrow: node.type === 'ArrowFunctionExpression',
    names: reread,
    source,
    prefixLength: form === 'expression' ? 0 : source.indexOf('{') + 1,
    hasHeritage: false,
    ownName: form === 'expression' && !isAnonymous ? node.id?.name : undefined,
    locatedAt:
      node.type === 'ArrowFunctionExpression'
        ? 0
        : parameters(text, form === 'expression' ? (node.id?.end ?? 0) : node.key.end),
    members: new Set(),
    privateFields: [],
    staticPrivateFields: [],
    foreignPrivate: privateNameIn(fn),
    isMember: form !== 'expression'
  }
}

/** Returns where the bracket of the computed key closes; the parameters follow. */
function bracketEnd(text: string, node: Node): number {
  return text.lastIndexOf(']', parameters(text, node.key.end)) + 1
}

function parameters(text: string, from: number): number {
  return Math.max(0, text.indexOf('(', from))
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * Reads a class. It is compiled again without what its definition evaluates: static fields and blocks, whose present results are sent, and
 * the expression after `extends`, whose value the class itself tells.
 */
function readClass(text: string, node: Node): FunctionText {
  const edits: Edit[] = []
  const members = new Set<string>()
  const privateFields: string[] = []
  const staticPrivateFields: string[] = []
  const { superClass } = node
  const hasHeritage = superClass && !(superClass.type === 'Literal' && superClass.value === null)
  if (hasHeritage) edits.push({ start: superClass.start, end: superClass.end, text: HERITAGE })
  for (const member of node.body.body as Node[]) {
    const isPrivate = member.key?.type === 'PrivateIdentifier'
    if (isPrivate && !member.static) privateFields.push(member.key.name)
    if (member.type === 'StaticBlock') {
      edits.push({ start: member.start, end: member.end, text: '' })
    } else if (member.type === 'MethodDefinition') {
      const slice = text.slice(member.start, member.end)
      if (!isPrivate) members.add(member.static ? `static ${slice.replace(/^static\s+/, '')}` : slice)
    } else if (member.static && isPrivate) {
      staticPrivateFields.push(member.key.name)
      if (member.value) edits.push({ start: member.key.end, end: member.value.end, text: '' })
    } else if (member.static && !(member.value && isPlainFunction(member.value) && !member.computed)) {
      edits.push({ start: member.start, end: member.end, text: text[member.end - 1] === ';' ? ';' : '' })
    } else if (member.static) {
      members.add(`static ${text.slice(member.value.start, member.value.end)}`)
    }
  }
  if (staticPrivateFields.length > 0) {
    const setters = staticPrivateFields.map(name => `v=>{this.#${name}=v}`)
    edits.push({ start: node.end - 1, end: node.end - 1, text: `;static{${PRIVATE}([${setters}])}` })
  }
  const constructor = (node.body.body as Node[]).find(member => member.kind === 'constructor')
  const stripped = edit(text, edits)
  // The parts that are left out use no variables.
  const remaining = edits.length === 0 ? node : parseFunction(stripped).node
  const names = namesIn(remaining, true)
  const free = new Set(names.free)
  const early = new Set(names.early)
  for (const helper of [HERITAGE, PRIVATE]) {
    free.delete(helper)
    early.delete(helper)
  }
  return {
    isClass: true,
    isArrow: false,
    names: { ...names, free, early },
    source: edit(stripped, metaEdits(names)),
    prefixLength: 0,
    hasHeritage: Boolean(hasHeritage),
    ownName: node.id?.name,
    locatedAt: constructor === undefined ? 0 : parameters(text, constructor.key.end),
    members,
    privateFields,
    staticPrivateFields,
    foreignPrivate: undefined,
    isMember: false
  }
}

/** Returns true if the text describes the function completely: making it again runs nothing. */
function isPlainFunction(node: Node): boolean {
  return /^(?:Arrow)?FunctionExpression$/.test(node.type)
}

function metaEdits(names: Names): Edit[] {
  return names.metas.map(({ start, end }) => ({ start, end, text: META }))
}

/** Replaces parts of a text. Each part keeps its line breaks and, where possible, its length. */
function edit(text: string, edits: readonly Edit[]): string {
  let result = ''
  let at = 0
  for (const { start, end, text: replacement } of [...edits].sort((a, b) => a.start - b.start)) {
    const rest = text.slice(start + replacement.length, end).replaceAll(/[^\n\r\u2028\u2029]/g, ' ')
    const lost = text.slice(start, start + Math.min(replacement.length, end - start)).match(/[\n\r\u2028\u2029]/g) ?? []
    result += text.slice(at, start) + replacement + lost.join('') + rest
    at = end
  }
  return result + text.slice(at)
}
