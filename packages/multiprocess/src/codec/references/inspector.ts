/**
 * What V8 knows of a function and JavaScript does not: the script and the place of its text, and the variables that it can see.
 *
 * Each call opens a session and closes it. If a session stayed open, V8 would keep every object that is ever passed to `console.log`, and
 * every function that was read; while its Debugger is on, `await` is many times slower. The Debugger is needed only for the URL (and the
 * source text) of a script, and is turned on when a script is met for the first time.
 */

import type { Session } from 'node:inspector'
import { numberOf, withoutMark } from '../values/mapped-stacks.ts'
import type { AnyFunction } from './data.ts'

/** A place in the text that V8 compiled. `line` and `column` count from 0; the place lies within the function's own text. */
export interface FunctionLocation {
  readonly scriptId: string
  readonly line: number
  readonly column: number
}

/** `kind` is V8's word: `Module`, `Closure (outer)`, `Block`, `Script`, `Global`, … */
export interface Scope {
  readonly kind: string
  /** The real values at the time of reading. Reading a variable that is not initialised yet throws. */
  readonly variables: Readonly<Record<string, unknown>>
}

export interface FunctionFacts {
  /** Undefined for native and bound functions. */
  readonly location: FunctionLocation | undefined
  /** The innermost scope first. */
  readonly scopes: readonly Scope[]
}

export interface Script {
  /** The URL from which Node loaded the script, even if a `//# sourceURL=` comment names another; empty for `eval` and `new Function`. */
  readonly url: string
  readonly isModule: boolean
  /** The place where the script's text begins; for received code, this is not the first line. */
  readonly startLine: number
  readonly startColumn: number
  /** The number of the position map, for received code that came with one. */
  readonly mapNumber?: number
}

/** Thrown if the inspector is not available in this process: Node was built without it, or the permission model forbids it. */
export class InspectorUnavailableError extends Error {}

interface Box {
  value?: unknown
  owner?: unknown
  scopes?: ArrayLike<{ description?: string; object: Record<string, unknown> }>
}

interface RemoteValue {
  objectId?: string
  value?: unknown
  /** For values that JSON does not have, such as `-0` and `1n`. */
  unserializableValue?: string
}

interface RemoteProperty {
  name: string
  value?: RemoteValue
}

interface RemoteObject {
  result: RemoteProperty[]
  internalProperties: RemoteProperty[]
  privateProperties?: RemoteProperty[]
}

export interface BoundFacts {
  readonly target: AnyFunction
  readonly boundThis: unknown
  readonly args: readonly unknown[]
}

export interface ProxyFacts {
  readonly target: object
  readonly handler: object
}

/** The box is a property of a class, because all contexts of a thread share the class, but not the global object. */
const BOX = Symbol.for('multiprocess.inspector.box')
const BOX_EXPRESSION = 'process.getBuiltinModule("node:inspector").Session[Symbol.for("multiprocess.inspector.box")]'

/** By id, the scripts that were alive when the Debugger was last on. V8 never reuses an id. */
let scripts = new Map<string, Script>()

/** Runs `work` with a reader. Closes all that the reader opened when `work` returns or throws. */
export function withInspector<T>(work: (reader: FunctionReader) => T): T {
  const reader = new FunctionReader()
  try {
    return work(reader)
  } finally {
    reader.close()
  }
}

export class FunctionReader {
  readonly #box: Box = {}
  #lastRead: { fn: AnyFunction; facts: FunctionFacts } | undefined
  #session: Session | undefined
  #boxId = ''
  #isDebugging = false

  /** True if the source of a script is cheap to get now. */
  get isDebugging(): boolean {
    return this.#isDebugging
  }

  /**
   * Reads a function. If a function is read twice in a row, the second result is that of the first.
   * @throws InspectorUnavailableError if the inspector is not available
   */
  read(fn: AnyFunction): FunctionFacts {
    if (this.#lastRead?.fn === fn) return this.#lastRead.facts
    const internals = this.#inspect(fn).internalProperties
    const internal = (name: string) => internals.find(property => property.name === name)?.value
    const location = internal('[[FunctionLocation]]')?.value as
      | { scriptId: string; lineNumber: number; columnNumber?: number }
      | undefined
    const scopesId = internal('[[Scopes]]')?.objectId
    const facts = {
      location: location && {
        scriptId: location.scriptId,
        line: location.lineNumber,
        column: location.columnNumber ?? 0
      },
      scopes: scopesId === undefined ? [] : this.#scopes(scopesId)
    }
    this.#lastRead = { fn, facts }
    return facts
  }

  /** Returns the function that a bound function calls; undefined for other functions. */
  readBound(fn: AnyFunction): BoundFacts | undefined {
    const internals = this.#inspect(fn).internalProperties
    const value = (name: string) => internals.find(property => property.name === name)?.value
    const target = value('[[TargetFunction]]')
    if (target === undefined) return undefined
    return {
      target: this.#take(target) as AnyFunction,
      boundThis: this.#take(value('[[BoundThis]]')),
      args: Array.from(this.#take(value('[[BoundArgs]]')) as ArrayLike<unknown>)
    }
  }

  /** Returns the target and the handler of a proxy, without running its handler; undefined for a revoked proxy. */
  readProxy(proxy: object): ProxyFacts | undefined {
    const internals = this.#inspect(proxy).internalProperties
    const value = (name: string) => this.#take(internals.find(property => property.name === name)?.value)
    const [target, handler] = [value('[[Target]]'), value('[[Handler]]')]
    return isObject(target) && isObject(handler) ? { target, handler } : undefined
  }

  /** Returns the values of an object's private fields, by name (`#count`). */
  privateFields(object: object): Map<string, unknown> {
    const found = new Map<string, unknown>()
    for (const { name, value } of this.#inspect(object).privateProperties ?? []) {
      if (value !== undefined) found.set(name, this.#take(value))
    }
    return found
  }

  /** Returns undefined for an id that V8 does not list, for example that of a script without a name. */
  script(scriptId: string): Script | undefined {
    if (!scripts.has(scriptId)) this.#debug()
    return scripts.get(scriptId)
  }

  /** Returns the text as V8 compiled it: the result of a loader or of type stripping. */
  source(scriptId: string): string {
    this.#debug()
    return this.#post<{ scriptSource: string }>('Debugger.getScriptSource', { scriptId }).scriptSource
  }

  /**
   * Returns what a getter returns, if it runs without changing anything. V8 stops a getter before it changes something (for example, loads
   * a module); then this returns undefined.
   */
  valueOfGetter(getter: AnyFunction, owner: object): unknown {
    this.#open()
    Object.assign(this.#box, { value: getter, owner })
    const { result, exceptionDetails } = this.#post<{ result: { objectId?: string }; exceptionDetails?: object }>(
      'Runtime.callFunctionOn',
      {
        objectId: this.#boxId,
        functionDeclaration: 'function () { return this.value.call(this.owner) }',
        silent: true,
        throwOnSideEffect: true
      }
    )
    if (exceptionDetails !== undefined || result.objectId === undefined) return undefined
    this.#call(result.objectId, 'function (box) { box.value = this }')
    return this.#box.value
  }

  close(): void {
    const session = this.#session
    this.#session = undefined
    this.#lastRead = undefined
    this.#isDebugging = false
    Object.assign(this.#box, { value: undefined, owner: undefined, scopes: undefined })
    // Disables what was enabled, and releases every object that was read.
    session?.disconnect()
  }

  #open(): void {
    if (this.#session !== undefined) return
    try {
      const inspector = process.getBuiltinModule('node:inspector')
      const session = new inspector.Session()
      session.connect()
      this.#session = session
      Object.defineProperty(inspector.Session, BOX, { value: this.#box, configurable: true })
      try {
        const parameters = { expression: BOX_EXPRESSION, silent: true }
        const { result } = this.#post<{ result: { objectId?: string } }>('Runtime.evaluate', parameters)
        if (result.objectId === undefined) throw new Error('`process` of the main context has been replaced')
        this.#boxId = result.objectId
      } finally {
        Reflect.deleteProperty(inspector.Session, BOX)
      }
    } catch (error) {
      this.close()
      throw new InspectorUnavailableError(error instanceof Error ? error.message : String(error), { cause: error })
    }
  }

  #debug(): void {
    if (this.#isDebugging) return
    this.#open()
    const alive = new Map<string, Script>()
    const session = this.#session!
    session.on('Debugger.scriptParsed', ({ params }) => {
      // `embedderName` is the name that Node gave the script. V8's protocol has had it since before Node 20.
      const named = params as { url: string; hasSourceURL?: boolean; embedderName?: string }
      const url = named.hasSourceURL ? (named.embedderName ?? '') : named.url
      alive.set(params.scriptId, {
        url: withoutMark(url),
        isModule: params.isModule ?? false,
        startLine: params.startLine,
        startColumn: params.startColumn,
        mapNumber: numberOf(url)
      })
    })
    this.#post('Debugger.enable')
    this.#isDebugging = true
    // Replaced and not merged: a program that compiles texts again and again would fill the map.
    scripts = alive
  }

  #scopes(scopesId: string): Scope[] {
    this.#call(scopesId, 'function (box) { box.scopes = this }')
    return Array.from(this.#box.scopes ?? [], scope => ({ kind: scope.description ?? '', variables: scope.object }))
  }

  /** Calls a function on an object that only the inspector can name, with the box. */
  #call(objectId: string, functionDeclaration: string): void {
    const parameters = { objectId, functionDeclaration, arguments: [{ objectId: this.#boxId }], silent: true }
    this.#post('Runtime.callFunctionOn', parameters)
  }

  #inspect(object: object): RemoteObject {
    this.#open()
    this.#box.value = object
    const held = this.#properties(this.#boxId).result.find(property => property.name === 'value')
    return this.#properties(held!.value!.objectId!)
  }

  /** Returns the real value of a remote object. */
  #take(remote: RemoteValue | undefined): unknown {
    const { objectId, value, unserializableValue } = remote ?? {}
    const argument = objectId ? { objectId } : unserializableValue ? { unserializableValue } : { value }
    this.#post('Runtime.callFunctionOn', {
      objectId: this.#boxId,
      functionDeclaration: 'function (value) { this.value = value }',
      arguments: [argument],
      silent: true
    })
    return this.#box.value
  }

  #properties(objectId: string): RemoteObject {
    return this.#post('Runtime.getProperties', { objectId, ownProperties: true })
  }

  #post<T>(method: string, parameters: object = {}): T {
    let answer: { error: Error | null; result: unknown } | undefined
    // On its own thread, a session answers before `post` returns.
    this.#session!.post(method, parameters, (error, result) => {
      answer = { error, result }
    })
    if (answer === undefined) throw new Error(`the inspector did not answer ${method} at once`)
    if (answer.error !== null)
      throw Object.assign(new Error(`${method}: ${answer.error.message}`), { cause: answer.error })
    return answer.result as T
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
}
