/**
 * The code of one message: its functions, and what they capture. One session of V8's inspector serves all of them, and ends with the
 * message. Everything is read at one moment, because no other code runs meanwhile.
 */

import { types } from 'node:util'
import { CODE, NULL } from '../bytes/format.ts'
import type { AnyFunction } from '../references/data.ts'
import { FunctionReader } from '../references/inspector.ts'
import { knownObject } from '../references/known-objects.ts'
import { nameOf } from '../references/loaded/function-text.ts'
import { describeFunction } from '../references/refusals.ts'
import { writeValue } from '../values/encode-value.ts'
import { formatPath } from '../values/path.ts'
import { isExotic, verdictOf } from '../values/prototypes.ts'
import { kindOf } from '../values/registry.ts'
import { CODE_REQUEST } from '../values/requests.ts'
import type { Origin, Writer } from '../values/writer.ts'
import { warnOfAssignments } from './assignments.ts'
import { classOf, constructorOf, privateMembers } from './class-instances.ts'
import { originOf } from './class-origins.ts'
import { keepConstants, keptConstants } from './constants.ts'
import { type Code, scopeOf } from './facts.ts'
import {
  FUNCTION_BY_VALUE,
  HAS_HERITAGE,
  HAS_PRIVATE_FIELDS,
  HAS_PROPERTIES,
  HAS_PROTOTYPE_HERITAGE,
  HAS_PROTOTYPE_PROPERTIES,
  KNOWN_OBJECT,
  PROTOTYPE,
  SHELL,
  SYMBOL
} from './format.ts'
import { type Properties, propertiesOf } from './properties.ts'
import { Refused } from './refusals.ts'
import { GLOBALS, ScopeTree, SharedScope, type Variable } from './scopes.ts'
import { type Definition, makeUnits } from './units.ts'

/** The part of an object or function that is written later, and the place of the object. */
interface LatePart {
  /** The position of the object or function. */
  readonly position: number
  readonly path: string
  readonly origin: Origin | null
  write(): void
}

interface Captured {
  readonly variable: Variable
  readonly value: unknown
}

export class CodeSession {
  isCapturing = false
  readonly #writer: Writer
  readonly #scopes = new ScopeTree()
  readonly #definitions: Definition[] = []
  readonly #symbols = new Map<symbol, number>()
  /** By number. A late part that was written is removed. */
  readonly #late = new Map<number, LatePart>()
  #lateCount = 0
  /** The positions of objects whose components are being written, and what the objects are. */
  readonly #making: { readonly position: number; readonly what: string; readonly touched: Set<number> }[] = []
  #valueCount = 0
  /** The variables whose values are in the message. */
  readonly #written = new Set<number>()
  #reader: FunctionReader | undefined
  #isUsed = false

  constructor(writer: Writer) {
    this.#writer = writer
  }

  get reader(): FunctionReader {
    this.#reader ??= new FunctionReader()
    return this.#reader
  }

  /** Writes the tag, and the form of what follows. */
  begin(form: number): void {
    this.#isUsed = true
    this.#writer.byte(CODE)
    this.#writer.byte(form)
  }

  /** @throws Refused if a variable cannot be read */
  writeFunction(fn: AnyFunction, code: Code): void {
    const writer = this.#writer
    const captured = this.#captured(fn, code)
    const early = captured.filter(({ variable }) => code.text.names.early.has(variable.name))
    const properties = propertiesOf(fn, code.text)
    this.#definitions.push({
      code,
      name: nameOf(fn),
      variables: captured.map(({ variable }) => variable),
      early: early.map(({ variable }) => variable),
      origin: code.text.isClass || properties.ofPrototype.length > 0 ? originOf(fn) : undefined
    })
    const { position } = writer
    this.begin(FUNCTION_BY_VALUE)
    writer.count(this.#definitions.length - 1)
    const path = writer.path()
    const origin = this.#originOf(fn, path)
    if (code.text.hasHeritage) this.#write(path, origin, 'extends', Object.getPrototypeOf(fn))
    this.#writeVariables(early, path, origin)
    const write = () => this.#writeLate(fn, code, captured, properties, path, origin)
    this.#addLate({ position, path, origin, write })
  }

  /** Returns the origin of what a function captures, for errors. */
  #originOf(fn: AnyFunction, path: string): Origin {
    const { origin, steps, depth } = this.#writer
    if (origin !== null)
      return { ...origin, chain: [...origin.chain, formatPath(origin.variable, steps, depth)], variable: '' }
    const subject = `${describeFunction(fn)}${path === '' ? '' : ` (${path})`}`
    return { subject, chain: [nameOf(fn) || 'anonymous'], variable: '' }
  }

  #captured(fn: AnyFunction, code: Code): Captured[] {
    const captured: Captured[] = []
    const kept = keptConstants(fn)
    if (kept !== undefined) {
      // Whether other functions have the same constants makes no difference.
      const scope = new SharedScope()
      for (const [name, value] of kept) captured.push({ variable: scope.variable(name), value })
    } else if (code.captured.length > 0) {
      const facts = this.reader.read(fn)
      const values = new Map<string, unknown>()
      const shared = this.#scopes.sharedScopes(facts)
      for (const name of code.captured) {
        const scope = scopeOf(facts.scopes, name)
        if (scope === undefined)
          throw new Refused(`its variable \`${name}\` is not kept by V8. Put it in a variable of its own`)
        const owner = shared[facts.scopes.indexOf(scope)]
        let value: unknown
        try {
          value = scope.variables[name]
        } catch {
          throw new Refused(`captured variable \`${name}\` is not initialised yet (temporal dead zone)`)
        }
        captured.push({ variable: owner.variable(name), value })
        values.set(name, value)
      }
      keepConstants(fn, code, facts, values, this.reader)
      warnOfAssignments(fn, code)
    }
    const globals = this.#scopes.script(GLOBALS)
    for (const name of code.globals) {
      captured.push({ variable: globals.variable(name), value: (globalThis as Record<string, unknown>)[name] })
    }
    for (const { variable } of captured) {
      if (variable.id < 0) variable.id = this.#valueCount++
      const { name } = variable
      if (code.text.names.assigned.has(name) && !code.constants.has(name)) variable.isAssigned = true
    }
    for (const { variable } of captured) this.#checkShared(variable)
    return captured
  }

  #checkShared({ isAssigned, scope, name }: Variable): void {
    if (!isAssigned) return
    for (let link: typeof scope | undefined = scope; link !== undefined; link = link.parent) {
      if (!link.isAmbiguous) continue
      throw new Refused(
        `captured variable \`${name}\` is assigned to by more than one closure of the same code, ` +
          'and it cannot be told which of them share it. Keep the changing state in an object'
      )
    }
  }

  #writeVariables(captured: readonly Captured[], path: string, origin: Origin): void {
    for (const { variable, value } of captured) {
      if (this.#written.has(variable.id)) continue
      this.#written.add(variable.id)
      this.#write(path, origin, variable.name, value)
    }
  }

  /** Writes a value as one that is captured under a name. */
  #write(path: string, origin: Origin, name: string, value: unknown): void {
    const writer = this.#writer
    const { root, depth, origin: outer } = writer
    const { isCapturing } = this
    const steps = depth === 0 ? undefined : writer.steps.slice(0, depth)
    writer.root = `${path} → ${name}`
    writer.depth = 0
    writer.origin = { ...origin, variable: name }
    this.isCapturing = true
    writeValue(writer, value)
    this.isCapturing = isCapturing
    writer.root = root
    writer.depth = depth
    writer.origin = outer
    for (let i = 0; i < depth; i++) writer.steps[i] = steps![i]
  }

  #writeLate(
    fn: AnyFunction,
    code: Code,
    captured: readonly Captured[],
    properties: Properties,
    path: string,
    origin: Origin
  ): void {
    this.#writeVariables(captured, path, origin)
    const { prototypeHeritage, heritage } = properties
    const privates = code.text.staticPrivateFields.length > 0 ? this.reader.privateFields(fn) : undefined
    const isHeir = heritage !== undefined
    this.#writer.byte(
      (properties.own.length > 0 ? HAS_PROPERTIES : 0) |
        (properties.ofPrototype.length > 0 ? HAS_PROTOTYPE_PROPERTIES : 0) |
        (prototypeHeritage !== undefined ? HAS_PROTOTYPE_HERITAGE : 0) |
        (isHeir ? HAS_HERITAGE : 0) |
        (privates !== undefined ? HAS_PRIVATE_FIELDS : 0)
    )
    for (const list of [properties.own, properties.ofPrototype]) {
      if (list.length === 0) continue
      this.#writer.count(list.length)
      for (const property of list) {
        this.#writeKey(property.key)
        this.#writer.byte(property.flags)
        const name = `${list === properties.ofPrototype ? 'prototype.' : ''}${String(property.key)}`
        for (const value of property.values) this.#write(path, origin, name, value)
      }
    }
    if (prototypeHeritage !== undefined) this.#write(path, origin, 'prototype', prototypeHeritage.value)
    if (isHeir) this.#write(path, origin, 'extends', heritage.value)
    if (privates !== undefined) this.#writer.count(code.text.staticPrivateFields.length)
    for (const name of privates === undefined ? [] : code.text.staticPrivateFields) {
      this.#write(path, origin, `#${name}`, privates!.get(`#${name}`))
    }
  }

  #writeKey(key: string | symbol): void {
    if (typeof key === 'string') this.#writer.string(key)
    else this.#writeSymbol(key)
  }

  /** Writes the class of an instance, or the object that it inherits from. */
  writeClass(owner: object): void {
    const writer = this.#writer
    const depth = writer.enter()
    writer.steps[depth] = typeof owner === 'function' ? 'constructor' : '__proto__'
    writeValue(writer, owner)
    writer.depth = depth
  }

  /**
   * Writes an object so that it is made before its fields are read, because they may lead to it. Returns false if the value is not such an
   * object.
   */
  writeShell(value: unknown): boolean {
    if (typeof value !== 'object' || value === null || types.isProxy(value) || Array.isArray(value)) return false
    const prototype: object | null = Object.getPrototypeOf(value)
    if (prototype === null || knownObject(value) !== undefined || constructorOf(value) !== undefined) return false
    const constructor = prototype === Object.prototype ? null : classOf(prototype)
    if (constructor === null && prototype !== Object.prototype) return false
    if (kindOf(value) !== null || isExotic(value, Object.keys(value)[0]) || Symbol.for('multiprocess.reduce') in value)
      return false
    if (verdictOf(prototype).is !== 'plain' || privateMembers(prototype).length > 0) return false
    const writer = this.#writer
    if (writer.meet(value)) return true
    const { position } = writer
    this.begin(SHELL)
    if (constructor === null) writer.byte(NULL)
    else this.writeClass(constructor)
    const path = writer.path()
    const { origin } = writer
    this.#addLate({
      position,
      path,
      origin,
      write: () => {
        const keys = Object.keys(value)
        writer.count(keys.length)
        const depth = writer.enter()
        for (const key of keys) {
          writer.string(key)
          writer.steps[depth] = key
          writeValue(writer, (value as Record<string, unknown>)[key])
        }
        writer.depth = depth
      }
    })
    return true
  }

  /** Writes an object that is named and not copied. Returns false if it is not such an object. */
  writeKnown(object: object): boolean {
    const writer = this.#writer
    const known = knownObject(object)
    if (known !== undefined) {
      this.begin(KNOWN_OBJECT)
      writer.count(writer.moduleNumber(known.module))
      writer.string(known.name)
      return true
    }
    const constructor = constructorOf(object)
    if (constructor === undefined) return false
    this.begin(PROTOTYPE)
    writeValue(writer, constructor)
    return true
  }

  writeSymbol(symbol: symbol): boolean {
    if (!this.isCapturing) return false
    this.#writeSymbol(symbol)
    return true
  }

  #writeSymbol(symbol: symbol): void {
    const writer = this.#writer
    this.begin(SYMBOL)
    const key = Symbol.keyFor(symbol)
    const known = Object.getOwnPropertyNames(Symbol).find(name => (Symbol as never)[name] === symbol)
    if (key !== undefined) {
      writer.string(`for:${key}`)
    } else if (known !== undefined) {
      writer.string(`known:${known}`)
    } else {
      if (!this.#symbols.has(symbol)) this.#symbols.set(symbol, this.#symbols.size)
      writer.string(`own:${this.#symbols.get(symbol)}:${symbol.description ?? ''}`)
    }
  }

  /**
   * Writes the components of an object, which must not lead to the object.
   * @param what what the object is, with its article
   */
  make(what: string, position: number, write: () => void): void {
    this.#making.push({ position, what, touched: new Set() })
    write()
    this.#making.pop()
  }

  /** Does the same for an object that a call makes: everything that the call gets must be complete before it. */
  makeByCall(what: string, position: number, write: () => void): void {
    const first = this.#lateCount
    const making = { position, what, touched: new Set<number>() }
    this.#making.push(making)
    write()
    for (;;) {
      const number = [...this.#late.keys()].find(
        key => key >= first || making.touched.has(this.#late.get(key)!.position)
      )
      this.#writer.count(number === undefined ? 0 : number + 1)
      if (number === undefined) break
      this.#writeLatePart(number)
    }
    this.#making.pop()
  }

  refer(position: number): void {
    for (const making of this.#making) {
      if (making.position === position) {
        this.#writer.fail(
          `it leads back to ${making.what} that is to be made of it, and neither can be there first. Leave it out`
        )
      }
      making.touched.add(position)
    }
  }

  #addLate(part: LatePart): void {
    this.#late.set(this.#lateCount++, part)
  }

  #writeLatePart(number: number): void {
    const writer = this.#writer
    const { root, depth, origin } = writer
    const { isCapturing } = this
    const steps = writer.steps.slice(0, depth)
    const part = this.#late.get(number)!
    this.#late.delete(number)
    writer.root = part.path
    writer.depth = 0
    writer.origin = part.origin
    this.isCapturing = part.origin !== null
    part.write()
    this.isCapturing = isCapturing
    writer.root = root
    writer.depth = depth
    writer.origin = origin
    for (let i = 0; i < depth; i++) writer.steps[i] = steps[i]
  }

  finish(): void {
    if (!this.#isUsed) return
    for (const number of this.#late.keys()) this.#writeLatePart(number)
    const data = makeUnits(this.#definitions, module => this.#writer.moduleNumber(module))
    this.#writer.moduleNumber(`${CODE_REQUEST}${JSON.stringify(data)}`)
  }

  close(): void {
    this.#reader?.close()
  }
}
