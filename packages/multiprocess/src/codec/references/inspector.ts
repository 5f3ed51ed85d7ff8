/**
 * What V8 knows of a function and JavaScript does not: the script and the place it stands at, and the variables it can see.
 *
 * A session is opened for one call and closed in it. One left open makes V8 keep every object that is ever passed to
 * `console.log`, and pins every function that was read; while its Debugger is on, `await` is many times slower. The Debugger is
 * needed for one thing only, the URL (and the source text) of a script, and is turned on when a script is met for the first time.
 */

import type { Session } from 'node:inspector'
import { numberOf, withoutMark } from '../values/mapped-stacks.ts'
import type { AnyFunction } from './data.ts'

/** `line` and `column` count from 0, in the text that V8 compiled; they lie within the function's own text. */
export interface FunctionLocation {
  readonly scriptId: string
  readonly line: number
  readonly column: number
}

/** `kind` is V8's word: `Module`, `Closure (outer)`, `Block`, `Script`, `Global`, … */
export interface Scope {
  readonly kind: string
  /** The real values, as they were when they were read. Reading one that is not initialised yet throws. */
  readonly variables: Readonly<Record<string, unknown>>
}

export interface FunctionFacts {
  /** Undefined for native and bound functions. */
  readonly location: FunctionLocation | undefined
  /** The innermost first. */
  readonly scopes: readonly Scope[]
}

export interface Script {
  /** As Node loaded it, also where a `//# sourceURL=` comment says otherwise; empty for `eval` and `new Function`. */
  readonly url: string
  readonly isModule: boolean
  /** The place where its text begins: that of received code is further on. */
  readonly startLine: number
  readonly startColumn: number
  /** Of received code that brought a map of its positions. */
  readonly mapNumber?: number
}

/** The inspector cannot be used in this process: a Node built without it, or the permission model forbids it. */
export class InspectorUnavailableError extends Error {}

interface Box {
  value?: unknown
  owner?: unknown
  scopes?: ArrayLike<{ description?: string; object: Record<string, unknown> }>
}

interface RemoteValue {
  objectId?: string
  value?: unknown
  /** For what JSON lacks, such as `-0` and `1n`. */
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

/** Found on a class, because that is one object in every context of a thread, where the global object is not. */
const BOX = Symbol.for('multiprocess.inspector.box')
const BOX_EXPRESSION = 'process.getBuiltinModule("node:inspector").Session[Symbol.for("multiprocess.inspector.box")]'

/** Scripts by id: those that were alive when the Debugger was last on. V8 never gives an id twice. */
let scripts = new Map<string, Script>()

/** Runs `work` with a reader; whatever the reader opened is closed when this returns or throws. */
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

  /** Whether the source of a script can be had at little cost now. */
  get isDebugging(): boolean {
    return this.#isDebugging
  }

  /**
   * A function that is read twice in a row is as it was the first time.
   * @throws InspectorUnavailableError
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

  /** What a bound function calls; undefined for other functions. */
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

  /** What a proxy is made of; its handler does not run. Undefined for a revoked one. */
  readProxy(proxy: object): ProxyFacts | undefined {
    const internals = this.#inspect(proxy).internalProperties
    const value = (name: string) => this.#take(internals.find(property => property.name === name)?.value)
    const [target, handler] = [value('[[Target]]'), value('[[Handler]]')]
    return isObject(target) && isObject(handler) ? { target, handler } : undefined
  }

  /** The values of an object's private fields, by name (`#count`). */
  privateFields(object: object): Map<string, unknown> {
    const found = new Map<string, unknown>()
    for (const { name, value } of this.#inspect(object).privateProperties ?? []) {
      if (value !== undefined) found.set(name, this.#take(value))
    }
    return found
  }

  /** Undefined for an id that V8 does not list, which a script without a name of its own may be. */
  script(scriptId: string): Script | undefined {
    if (!scripts.has(scriptId)) this.#debug()
    return scripts.get(scriptId)
  }

  /** The text as V8 compiled it: what a loader or type stripping made of the file. */
  source(scriptId: string): string {
    this.#debug()
    return this.#post<{ scriptSource: string }>('Debugger.getScriptSource', { scriptId }).scriptSource
  }

  /**
   * What a getter returns, if it can be run without changing anything; V8 stops one that would (as one that loads a module) before
   * it does, and then this returns undefined.
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
    // This ends what was enabled, and releases every object that was asked about.
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
      // `embedderName` is what Node called it; V8's protocol has it since before Node 20.
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
    // Replaced, not merged: a program that compiles text again and again would fill it.
    scripts = alive
  }

  #scopes(scopesId: string): Scope[] {
    this.#call(scopesId, 'function (box) { box.scopes = this }')
    return Array.from(this.#box.scopes ?? [], scope => ({ kind: scope.description ?? '', variables: scope.object }))
  }

  /** Calls it on an object that only the inspector can name, with the box. */
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

  /** The real value of what the inspector shows. */
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
    // On its own thread a session answers before `post` returns.
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
