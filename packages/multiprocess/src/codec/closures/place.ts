/** Finds where a function is in the text of its script. */

import type { Script } from '../references/inspector.ts'
import { childrenOf, type Node, parseScript } from '../references/syntax.ts'

/** Nodes with their own `this`, which hides that of the module. */
const BINDS_THIS = /^(?:FunctionDeclaration|FunctionExpression|PropertyDefinition|StaticBlock)$/

/**
 * Returns true if nothing with its own `this` encloses an arrow function: it then uses the `this` of its module.
 * @param line, column counted from 0
 */
export function isTopLevelArrow(source: string, script: Script, text: string, line: number, column: number): boolean {
  if (!source.includes(text)) return false
  let tree: Node
  try {
    tree = parseScript(source, script.isModule)
  } catch {
    return false
  }
  const at = offsetOf(source, script, line, column)
  return find(tree, node => node.type === 'ArrowFunctionExpression' && node.start === at && source.startsWith(text, at))
}

function find(tree: Node, test: (node: Node) => boolean): boolean {
  const open = [tree]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (test(node)) return true
    if (node.type === 'PropertyDefinition') {
      // A computed key is evaluated outside of the class.
      if (node.computed) open.push(node.key)
    } else if (!BINDS_THIS.test(node.type)) open.push(...childrenOf(node))
  }
  return false
}

function offsetOf(
  source: string,
  { startLine, startColumn }: Script,
  scriptLine: number,
  scriptColumn: number
): number {
  const line = scriptLine - startLine
  const column = line === 0 ? scriptColumn - startColumn : scriptColumn
  const breaks = /\r\n|[\n\r\u2028\u2029]/g
  for (let i = 0; i < line; i++) if (breaks.exec(source) === null) return -1
  return (line === 0 ? 0 : breaks.lastIndex) + column
}

const FUNCTION = /Function/

/**
 * Returns those of the names that are constants where a function is.
 * @param line, column of the function's text, counted from 0
 */
export function constantsAmong(
  names: readonly string[],
  source: string,
  script: Script,
  line: number,
  column: number
): string[] {
  const candidates = names.filter(name => mayBeConstant(name, source))
  if (candidates.length === 0) return []
  let tree: Node
  try {
    tree = parseScript(source, script.isModule)
  } catch {
    return []
  }
  const around = nodesAround(tree, offsetOf(source, script, line, column))
  return candidates.filter(name => {
    for (const node of around) {
      const kind = kindIn(node, name)
      if (kind !== undefined) return kind === 'const'
    }
    return false
  })
}

/** With these, a name may mean something else than the text shows. */
const CHANGES_NAMES = /(?<![.\w$])(?:eval|with)\s*\(/

/** Returns true if all of the names are certainly constants where the function with this text is. */
export function areConstants(
  names: readonly string[],
  source: string,
  script: Script,
  text: string,
  line: number,
  column: number
): boolean {
  const at = offsetOf(source, script, line, column)
  if (at < 0 || !source.startsWith(text, at) || CHANGES_NAMES.test(source)) return false
  return constantsAmong(names, source, script, line, column).length === names.length
}

/** A quick test of the text, which saves most programs the parser. */
function mayBeConstant(name: string, source: string): boolean {
  const escaped = name.replaceAll('$', '\\$')
  return new RegExp(`\\b(?:const|using)\\b[^;]*?(?<![\\w$])${escaped}(?![\\w$])|\\bclass\\s+${escaped}(?![\\w$])`).test(
    source
  )
}

/** Returns the nodes that contain the place and do not begin there, the innermost first. */
function nodesAround(tree: Node, at: number): Node[] {
  const around: Node[] = []
  for (let node: Node | undefined = tree; node !== undefined; ) {
    around.unshift(node)
    node = [...childrenOf(node)].find(({ start, end }) => start <= at && at < end)
    if (node?.start === at && !/Statement$|Declaration$|^Variable|^Export/.test(node.type)) break
  }
  return around
}

type Kind = 'const' | 'other'

/** Returns how a node declares a name for its contents; undefined if it does not. */
function kindIn(node: Node, name: string): Kind | undefined {
  if (FUNCTION.test(node.type)) {
    if ((node.params as Node[]).some(parameter => declares(parameter, name))) return 'other'
    return declaresVar(node.body, name) ? 'other' : undefined
  }
  if (/^Class(?:Declaration|Expression)$/.test(node.type)) return node.id?.name === name ? 'const' : undefined
  if (node.type === 'CatchClause') return node.param && declares(node.param, name) ? 'other' : undefined
  const declarations: Node[] = /^For/.test(node.type)
    ? [node.init ?? node.left].filter(Boolean)
    : node.type === 'SwitchStatement'
      ? node.cases.flatMap((part: Node) => part.consequent)
      : Array.isArray(node.body)
        ? node.body
        : []
  for (const statement of declarations) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? statement) : statement
    if (/^(?:Function|Class)Declaration$/.test(declaration.type) && declaration.id?.name === name) return 'other'
    if (declaration.type !== 'VariableDeclaration') continue
    if (!(declaration.declarations as Node[]).some(({ id }) => declares(id, name))) continue
    return /^(?:const|using|await using)$/.test(declaration.kind) ? 'const' : 'other'
  }
  return node.type === 'Program' && declaresVar(node, name) ? 'other' : undefined
}

/** Returns true if a pattern binds the name. */
function declares(pattern: Node, name: string): boolean {
  if (pattern.type === 'Identifier') return pattern.name === name
  if (pattern.type === 'AssignmentPattern') return declares(pattern.left, name)
  if (pattern.type === 'Property') return declares(pattern.value, name)
  return [...childrenOf(pattern)].some(child => declares(child, name))
}

/** Returns true if a function's body has a `var` of this name, however deep. */
function declaresVar(body: Node, name: string): boolean {
  const open = [body]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === 'VariableDeclaration' && node.kind === 'var') {
      if ((node.declarations as Node[]).some(({ id }) => declares(id, name))) return true
    }
    for (const child of childrenOf(node)) if (!FUNCTION.test(child.type)) open.push(child)
  }
  return false
}
