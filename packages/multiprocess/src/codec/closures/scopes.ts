/**
 * Finds which variables of two functions are the same. V8 shows the scopes of each function as copies, and does not reveal their identity.
 * So it is inferred:
 *
 * - The variables of a module exist once, and so do those of a CommonJS module's wrapper and of a script.
 * - Further in, two functions share a scope if they are in the same scope around it, and the scope has the same variables with the same
 *   values, unless both are the same piece of code: then each comes from a call of its own.
 */

import type { FunctionFacts, Scope } from '../references/inspector.ts'

/** A scope that contains functions of this message. */
export class SharedScope {
  readonly parent: SharedScope | undefined
  readonly #inner: Inner[] = []
  /** The variables that were asked for. */
  readonly #variables = new Map<string, Variable>()

  constructor(parent?: SharedScope) {
    this.parent = parent
  }

  variable(name: string): Variable {
    let variable = this.#variables.get(name)
    if (variable === undefined) {
      variable = new Variable(name, this)
      this.#variables.set(name, variable)
    }
    return variable
  }

  inner(scope: Scope, place: string): SharedScope {
    const names = Object.keys(scope.variables)
    const same = this.#inner.filter(candidate => isSame(candidate, scope, names))
    const open = same.filter(candidate => !candidate.places.has(place))
    if (open.length > 1) for (const { shared } of open) shared.isAmbiguous = true
    if (open.length > 0) {
      open[0].places.add(place)
      return open[0].shared
    }
    const inner: Inner = { scope, names, shared: new SharedScope(this), places: new Set([place]) }
    for (const { shared, places } of same) {
      if (places.size > 1) shared.isAmbiguous = inner.shared.isAmbiguous = true
    }
    this.#inner.push(inner)
    return inner.shared
  }

  /** True if another call of the same function looks the same: then the call from which a function comes is unknown. */
  isAmbiguous = false
}

interface Inner {
  readonly scope: Scope
  readonly names: readonly string[]
  readonly shared: SharedScope
  readonly places: Set<string>
}

/** A variable that functions of this message capture. */
export class Variable {
  readonly name: string
  /** Its number in the message. */
  id = -1
  readonly scope: SharedScope
  isAssigned = false

  constructor(name: string, scope: SharedScope) {
    this.name = name
    this.scope = scope
  }
}

function isSame(inner: Inner, scope: Scope, names: readonly string[]): boolean {
  if (inner.scope.kind !== scope.kind || inner.names.length !== names.length) return false
  return names.every((name, i) => inner.names[i] === name && Object.is(read(inner.scope, name), read(scope, name)))
}

const UNREADABLE = Symbol('unreadable')

function read(scope: Scope, name: string): unknown {
  try {
    return scope.variables[name]
  } catch {
    return UNREADABLE
  }
}

/** The scope of the program's own global variables. */
export const GLOBALS = 'globals'

/** The scopes of all functions of one message. */
export class ScopeTree {
  readonly #scripts = new Map<string, SharedScope>()

  /** Returns one shared scope for each scope of the function, the innermost first. */
  sharedScopes(facts: FunctionFacts): SharedScope[] {
    const { location, scopes } = facts
    const { scriptId = '', line = 0, column = 0 } = location ?? {}
    const place = `${scriptId}:${line}:${column}`
    const found: SharedScope[] = []
    let outer = this.script(scriptId)
    for (const scope of [...scopes].reverse()) {
      if (isOfRealm(scope)) {
        found.unshift(this.script(scope.kind))
        continue
      }
      outer = isOfScript(scope) ? this.script(`${scriptId} module`) : outer.inner(scope, place)
      found.unshift(outer)
    }
    return found
  }

  /** Returns the scope of a script, or one that all scripts share, under its own name. */
  script(key: string): SharedScope {
    let scope = this.#scripts.get(key)
    if (scope === undefined) {
      // The program's globals enclose what scripts declare, and this encloses every module.
      const parent = key === GLOBALS ? undefined : this.script(key === 'Script' ? GLOBALS : 'Script')
      scope = new SharedScope(parent)
      this.#scripts.set(key, scope)
    }
    return scope
  }
}

function isOfRealm(scope: Scope): boolean {
  return scope.kind === 'Global' || scope.kind === 'Script'
}

/** Returns true for the scope of a module, or of the function that wraps a CommonJS module. */
export function isOfScript(scope: Scope): boolean {
  if (scope.kind === 'Module') return true
  return (
    scope.kind === 'Closure' &&
    Object.hasOwn(scope.variables, 'require') &&
    Object.hasOwn(scope.variables, '__filename')
  )
}
