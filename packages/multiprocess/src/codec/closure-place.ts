/** Where a function stands in the text of its script. */

import { childrenOf, type Node, parseScript } from './closure-syntax.ts'

/** What has a `this` of its own, and so hides that of the module. */
const BINDS_THIS = /^(?:FunctionDeclaration|FunctionExpression|PropertyDefinition|StaticBlock)$/

/**
 * Whether nothing stands around an arrow function that has a `this` of its own: then it uses that of its module.
 * @param line, column count from 0
 */
export function isTopLevelArrow(
  source: string,
  isModule: boolean,
  text: string,
  line: number,
  column: number
): boolean {
  if (!source.includes(text)) return false
  let tree: Node
  try {
    tree = parseScript(source, isModule)
  } catch {
    return false
  }
  const at = offsetOf(source, line, column)
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

function offsetOf(source: string, line: number, column: number): number {
  const breaks = /\r\n|[\n\r\u2028\u2029]/g
  for (let i = 0; i < line; i++) if (breaks.exec(source) === null) return -1
  return (line === 0 ? 0 : breaks.lastIndex) + column
}
