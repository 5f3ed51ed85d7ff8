/** Finds which variables of the surrounding code a function's text uses, and what else it takes from there. */

import { childrenOf, type Node } from '../references/syntax.ts'

export interface Names {
  /** The variables that the text uses and does not declare. */
  readonly free: ReadonlySet<string>
  /** The free variables to which it assigns. */
  readonly assigned: ReadonlySet<string>
  /** The assigned variables that do not merely get a first value, as in `cache ??= make()`. */
  readonly changed: ReadonlySet<string>
  /** The free variables that are used as soon as the definition is evaluated: in the computed keys of a class. */
  readonly early: ReadonlySet<string>
  /** What the text takes from the surrounding function, and V8 does not reveal. */
  readonly lexical: ReadonlySet<'this' | 'super' | 'arguments' | 'new.target' | 'eval'>
  readonly metas: readonly Node[]
  readonly usesDynamicImport: boolean
}

interface Scope {
  readonly parent: Scope | undefined
  readonly declared: Set<string>
}

interface Reference {
  readonly name: string
  readonly scope: Scope
  readonly isAssigned: boolean
  /** True if the assignment happens only while the variable has no value. */
  readonly isFirstValue: boolean
  readonly isEarly: boolean
}

const FIRST_VALUE = new Set(['??=', '||='])

/** What surrounds the node that is being visited. */
interface Context {
  readonly scope: Scope
  /** The nearest function with its own `this`: 'outside' if it is not part of the text. */
  readonly thisOf: 'inside' | 'outside'
  readonly argumentsOf: 'inside' | 'outside'
  readonly superOf: 'inside' | 'outside'
  readonly isDeferred: boolean
}

export function namesIn(root: Node, isStrict: boolean): Names {
  return new Visitor(isStrict).names(root)
}

/** Returns the first private name that the text uses outside of its own classes. */
export function privateNameIn(node: Node): string | undefined {
  if (node.type === 'PrivateIdentifier') return node.name
  if (/^Class/.test(node.type)) return undefined
  for (const child of childrenOf(node)) {
    const name = privateNameIn(child)
    if (name !== undefined) return name
  }
  return undefined
}

class Visitor {
  readonly #references: Reference[] = []
  readonly #lexical = new Set<'this' | 'super' | 'arguments' | 'new.target' | 'eval'>()
  readonly #metas: Node[] = []
  readonly #isStrict: boolean
  #root: Node | undefined
  #usesDynamicImport = false

  constructor(isStrict: boolean) {
    this.#isStrict = isStrict
  }

  names(root: Node): Names {
    this.#root = root
    const scope = newScope(undefined)
    this.#visit(root, { scope, thisOf: 'outside', argumentsOf: 'outside', superOf: 'outside', isDeferred: false })
    const free = new Set<string>()
    const assigned = new Set<string>()
    const changed = new Set<string>()
    const early = new Set<string>()
    for (const { name, scope: from, isAssigned, isFirstValue, isEarly } of this.#references) {
      if (isDeclared(name, from)) continue
      free.add(name)
      if (isAssigned) assigned.add(name)
      if (isAssigned && !isFirstValue) changed.add(name)
      if (isEarly) early.add(name)
    }
    return {
      free,
      assigned,
      changed,
      early,
      lexical: this.#lexical,
      metas: this.#metas,
      usesDynamicImport: this.#usesDynamicImport
    }
  }

  #visit(node: Node, context: Context): void {
    switch (node.type) {
      case 'Identifier':
        this.#refer(node.name, context, false)
        return
      case 'FunctionExpression':
      case 'FunctionDeclaration':
      case 'ArrowFunctionExpression':
        this.#visitFunction(node, context)
        return
      case 'ClassExpression':
      case 'ClassDeclaration':
        this.#visitClass(node, context)
        return
      case 'MethodDefinition':
      case 'Property':
        this.#visitMember(node, context)
        return
      case 'PropertyDefinition':
        if (node.computed) this.#visit(node.key, context)
        if (node.value) this.#visit(node.value, insideMember(newScope(context.scope)))
        return
      case 'StaticBlock': {
        const scope = newScope(context.scope)
        hoist(node.body, scope, this.#isStrict)
        this.#visitAll(node.body, insideMember(scope))
        return
      }
      case 'MemberExpression':
        this.#visit(node.object, context)
        if (node.computed) this.#visit(node.property, context)
        return
      case 'MetaProperty':
        if (node.meta.name === 'import') this.#metas.push(node)
        else if (context.thisOf === 'outside') this.#lexical.add('new.target')
        return
      case 'ThisExpression':
        if (context.thisOf === 'outside') this.#lexical.add('this')
        return
      case 'Super':
        if (context.superOf === 'outside') this.#lexical.add('super')
        return
      case 'ImportExpression':
        this.#usesDynamicImport = true
        break
      case 'CallExpression':
        if (node.callee.type === 'Identifier' && node.callee.name === 'eval' && !isDeclared('eval', context.scope)) {
          this.#lexical.add('eval')
        }
        break
      case 'AssignmentExpression':
        if (node.left.type === 'Identifier') this.#refer(node.left.name, context, true, FIRST_VALUE.has(node.operator))
        else this.#visitTarget(node.left, context)
        this.#visit(node.right, context)
        return
      case 'UpdateExpression':
        this.#visitTarget(node.argument, context)
        return
      case 'VariableDeclaration':
        for (const { id, init } of node.declarations as Node[]) {
          this.#visitPattern(id, context)
          if (init) this.#visit(init, context)
        }
        return
      case 'BlockStatement':
      case 'Program':
        this.#visitBlock(node.body, context)
        return
      case 'SwitchStatement': {
        this.#visit(node.discriminant, context)
        const scope = newScope(context.scope)
        for (const { consequent } of node.cases as Node[]) hoistBlock(consequent, scope)
        this.#visitAll(node.cases, { ...context, scope })
        return
      }
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
        this.#visitFor(node, context)
        return
      case 'CatchClause': {
        const scope = newScope(context.scope)
        if (node.param) declarePattern(node.param, scope)
        if (node.param) this.#visitPattern(node.param, { ...context, scope })
        this.#visitBlock(node.body.body, { ...context, scope })
        return
      }
      case 'LabeledStatement':
        this.#visit(node.body, context)
        return
      case 'BreakStatement':
      case 'ContinueStatement':
        return
    }
    for (const child of childrenOf(node)) this.#visit(child, context)
  }

  #visitAll(nodes: readonly (Node | null)[], context: Context): void {
    for (const node of nodes) if (node !== null) this.#visit(node, context)
  }

  #visitBlock(body: readonly Node[], context: Context): void {
    const scope = newScope(context.scope)
    hoistBlock(body, scope)
    this.#visitAll(body, { ...context, scope })
  }

  #visitFor(node: Node, context: Context): void {
    const scope = newScope(context.scope)
    const head: Node | null = node.type === 'ForStatement' ? node.init : node.left
    const inner = { ...context, scope }
    if (head?.type === 'VariableDeclaration') {
      if (head.kind !== 'var') for (const { id } of head.declarations as Node[]) declarePattern(id, scope)
      this.#visit(head, inner)
    } else if (head) {
      if (node.type === 'ForStatement') this.#visit(head, inner)
      else this.#visitTarget(head, inner)
    }
    for (const part of [node.test, node.update, node.right, node.body]) if (part) this.#visit(part, inner)
  }

  #visitFunction(node: Node, context: Context, isMember = false): void {
    const isArrow = node.type === 'ArrowFunctionExpression'
    let { scope } = context
    if (node.type === 'FunctionExpression' && node.id) {
      scope = newScope(scope)
      scope.declared.add(node.id.name)
    }
    const parameters = newScope(scope)
    for (const parameter of node.params as Node[]) declarePattern(parameter, parameters)
    const inner: Context = {
      scope: parameters,
      thisOf: isArrow ? context.thisOf : 'inside',
      argumentsOf: isArrow ? context.argumentsOf : 'inside',
      superOf: isArrow || isMember ? context.superOf : 'inside',
      isDeferred: true
    }
    for (const parameter of node.params as Node[]) this.#visitPattern(parameter, inner)
    if (node.body.type !== 'BlockStatement') {
      this.#visit(node.body, inner)
      return
    }
    const body = newScope(parameters)
    hoist(node.body.body, body, this.#isStrict)
    this.#visitAll(node.body.body, { ...inner, scope: body })
  }

  #visitClass(node: Node, context: Context): void {
    const scope = newScope(context.scope)
    if (node.id) scope.declared.add(node.id.name)
    if (node.superClass) this.#visit(node.superClass, { ...context, scope })
    const { isDeferred } = context
    for (const member of node.body.body as Node[]) this.#visit(member, { ...context, scope, isDeferred })
  }

  #visitMember(node: Node, context: Context): void {
    const isMethod = node.type === 'MethodDefinition' || node.method || node.kind === 'get' || node.kind === 'set'
    if (node.computed && node !== this.#root) this.#visit(node.key, context)
    if (!isMethod) {
      this.#visit(node.value, context)
      return
    }
    const superOf = node === this.#root ? 'outside' : 'inside'
    this.#visitFunction(node.value, { ...context, superOf }, true)
  }

  /** Visits the target of an assignment: a name, a member, or a pattern of them. */
  #visitTarget(node: Node, context: Context): void {
    if (node.type === 'Identifier') this.#refer(node.name, context, true)
    else if (node.type === 'MemberExpression') this.#visit(node, context)
    else this.#visitPattern(node, context, (name, at) => this.#refer(name, at, true))
  }

  /** Visits the expressions in a pattern (defaults and computed keys), and its names only if `assign` is given. */
  #visitPattern(node: Node, context: Context, assign?: (name: string, context: Context) => void): void {
    switch (node.type) {
      case 'Identifier':
        assign?.(node.name, context)
        return
      case 'MemberExpression':
        this.#visit(node, context)
        return
      case 'AssignmentPattern':
        this.#visitPattern(node.left, context, assign)
        this.#visit(node.right, context)
        return
      case 'ArrayPattern':
        for (const element of node.elements as (Node | null)[]) {
          if (element) this.#visitPattern(element, context, assign)
        }
        return
      case 'ObjectPattern':
        for (const property of node.properties as Node[]) {
          if (property.computed) this.#visit(property.key, context)
          this.#visitPattern(property.type === 'RestElement' ? property : property.value, context, assign)
        }
        return
      case 'RestElement':
        this.#visitPattern(node.argument, context, assign)
        return
      default:
        this.#visit(node, context)
    }
  }

  #refer(name: string, context: Context, isAssigned: boolean, isFirstValue = false): void {
    if (name === 'arguments' && !isDeclared(name, context.scope)) {
      if (context.argumentsOf === 'outside') this.#lexical.add('arguments')
      return
    }
    this.#references.push({ name, scope: context.scope, isAssigned, isFirstValue, isEarly: !context.isDeferred })
  }
}

function insideMember(scope: Scope): Context {
  return { scope, thisOf: 'inside', argumentsOf: 'inside', superOf: 'inside', isDeferred: true }
}

function newScope(parent: Scope | undefined): Scope {
  return { parent, declared: new Set() }
}

function isDeclared(name: string, from: Scope): boolean {
  for (let scope: Scope | undefined = from; scope !== undefined; scope = scope.parent) {
    if (scope.declared.has(name)) return true
  }
  return false
}

/** Declares what a function's body declares: its own `let`, `const`, `class` and functions, and every `var` in it. */
function hoist(body: readonly Node[], scope: Scope, isStrict: boolean): void {
  hoistBlock(body, scope)
  for (const statement of body) hoistVars(statement, scope, isStrict)
}

function hoistBlock(body: readonly Node[], scope: Scope): void {
  for (let statement of body) {
    while (statement.type === 'LabeledStatement') statement = statement.body
    if (statement.type === 'VariableDeclaration' && statement.kind !== 'var') {
      for (const { id } of statement.declarations as Node[]) declarePattern(id, scope)
    } else if (/^(?:Function|Class)Declaration$/.test(statement.type)) {
      scope.declared.add(statement.id.name)
    }
  }
}

function hoistVars(node: Node, scope: Scope, isStrict: boolean): void {
  if (node.type === 'VariableDeclaration' && node.kind === 'var') {
    for (const { id } of node.declarations as Node[]) declarePattern(id, scope)
  }
  // In sloppy code, a function in a block is also a variable of the enclosing function.
  if (node.type === 'FunctionDeclaration' && !isStrict) scope.declared.add(node.id.name)
  if (/Function|Class|Expression$|^StaticBlock$/.test(node.type)) return
  for (const child of childrenOf(node)) hoistVars(child, scope, isStrict)
}

function declarePattern(node: Node, scope: Scope): void {
  switch (node.type) {
    case 'Identifier':
      scope.declared.add(node.name)
      return
    case 'AssignmentPattern':
      declarePattern(node.left, scope)
      return
    case 'ArrayPattern':
      for (const element of node.elements as (Node | null)[]) if (element) declarePattern(element, scope)
      return
    case 'ObjectPattern':
      for (const property of node.properties as Node[]) {
        declarePattern(property.type === 'RestElement' ? property : property.value, scope)
      }
      return
    case 'RestElement':
      declarePattern(node.argument, scope)
  }
}
