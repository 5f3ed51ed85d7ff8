/** The syntax tree of a function's text, in whichever form the function was written. */

// Functions are read synchronously, and only in a process that sends some by value.
import * as acorn from 'acorn' // lazy

/** A node of ESTree; its other fields depend on its type. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  // biome-ignore lint/suspicious/noExplicitAny: a tree's fields are known by the type's name only
  readonly [field: string]: any
}

export type Form = 'expression' | 'member' | 'class-member'

export interface Parsed {
  readonly form: Form
  /** The function, class or method definition. Its positions count from the text's start. */
  readonly node: Node
}

/** @throws SyntaxError if the text has none of the forms, or is newer than the parser */
export function parseFunction(text: string): Parsed {
  let failure: unknown
  for (const [form, before, after] of FORMS) {
    try {
      const tree = parse(`${before}${text}${after}`, before.length)
      const node = definitionIn(tree, form)
      if (node !== undefined) return { form, node }
    } catch (error) {
      failure ??= error
    }
  }
  throw failure ?? new SyntaxError('no function')
}

const FORMS: readonly (readonly [form: Form, before: string, after: string])[] = [
  // Inside a function, because an arrow function may use `new.target`.
  ['expression', '(function(){return(', '\n)})'],
  ['member', '({', '\n})'],
  ['class-member', '(class{', '\n})']
]

function parse(text: string, offset: number): Node {
  const tree = acorn.parse(text, {
    ecmaVersion: 'latest',
    sourceType: 'script',
    allowAwaitOutsideFunction: false,
    allowSuperOutsideMethod: true,
    allowReturnOutsideFunction: true,
    // For `import.meta` in a script; the parser then allows it everywhere.
    allowImportExportEverywhere: true,
    checkPrivateFields: false
  } as acorn.Options) as unknown as Node
  shift(tree, offset)
  return tree
}

/** Returns the tree of a whole script or module, as V8 got it: a CommonJS module is the body of a function. */
export function parseScript(text: string, isModule: boolean): Node {
  return acorn.parse(text, {
    ecmaVersion: 'latest',
    sourceType: isModule ? 'module' : 'script',
    allowHashBang: true,
    allowReturnOutsideFunction: !isModule,
    allowNewTargetOutsideFunction: !isModule
  } as acorn.Options) as unknown as Node
}

/** Returns the tree of one `import` or `export` statement. */
export function parseModuleStatement(text: string): Node {
  return acorn.parse(text, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as Node
}

function definitionIn(tree: Node, form: Form): Node | undefined {
  const { expression } = tree.body[0]
  if (tree.body.length !== 1) return undefined
  if (form === 'expression') {
    const returned = expression.body?.body[0]?.argument
    return /^(?:FunctionExpression|ArrowFunctionExpression|ClassExpression)$/.test(returned?.type)
      ? returned
      : undefined
  }
  const members = form === 'member' ? expression.properties : expression.body.body
  if (members.length !== 1) return undefined
  const [member] = members as Node[]
  if (form === 'class-member') return member.type === 'MethodDefinition' ? member : undefined
  return member.type === 'Property' && (member.method || member.kind !== 'init') ? member : undefined
}

function shift(node: Node, by: number): void {
  ;(node as { start: number }).start -= by
  ;(node as { end: number }).end -= by
  for (const child of childrenOf(node)) shift(child, by)
}

export function* childrenOf(node: Node): Iterable<Node> {
  for (const key in node) {
    const value: unknown = node[key]
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield item
    } else if (isNode(value)) {
      yield value
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
