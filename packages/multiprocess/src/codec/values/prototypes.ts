import { types } from 'node:util'
import type { AnyFunction } from '../references/data.ts'
import { ownValue } from './own-value.ts'

/** What an object's prototype tells about the object. */
export type Verdict =
  /** Nothing but JavaScript: the object is its own fields. */
  | { readonly is: 'plain' }
  /** The object inherits from a built-in type, and may be of that type. */
  | { readonly is: 'built-in' }
  | { readonly is: 'error' | 'url' | 'search-params' }
  /** The object contains something that only this process has: a socket, a timer, a native handle, a running iteration. */
  | { readonly is: 'host'; readonly name: string }

export const PLAIN: Verdict = { is: 'plain' }
const BUILT_IN: Verdict = { is: 'built-in' }
const ERROR: Verdict = { is: 'error' }
const URL_VERDICT: Verdict = { is: 'url' }
const SEARCH_PARAMS: Verdict = { is: 'search-params' }

/**
 * Native classes whose instances `util.types` recognises. An object that only inherits from such a class, as objects of old-style
 * "subclasses" do, is a plain object.
 */
const TOLD_BY_TYPE = new Set([
  ...['Object', 'Function', 'Array', 'Map', 'Set', 'Date', 'RegExp', 'Number', 'String', 'Boolean', 'BigInt', 'Symbol'],
  ...['ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'TypedArray', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray'],
  ...['Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array'],
  ...['BigInt64Array', 'BigUint64Array', 'Iterator']
])

/** Node's classes that are tied to their process, although they are written in JavaScript: by name, the modules that export them. */
const NODE_CLASSES: Readonly<Record<string, readonly string[]>> = {
  Stream: ['stream'],
  Server: ['net'],
  Socket: ['dgram'],
  Agent: ['http'],
  ChildProcess: ['child_process'],
  Worker: ['worker_threads', 'cluster'],
  Interface: ['readline'],
  Resolver: ['dns'],
  FSWatcher: ['fs'],
  StatWatcher: ['fs'],
  Session: ['inspector'],
  AsyncLocalStorage: ['async_hooks'],
  AsyncResource: ['async_hooks'],
  Channel: ['diagnostics_channel'],
  StringDecoder: ['string_decoder'],
  KeyObject: ['crypto'],
  X509Certificate: ['crypto'],
  DiffieHellman: ['crypto'],
  ECDH: ['crypto'],
  SecureContext: ['tls'],
  BlockList: ['net'],
  SocketAddress: ['net'],
  WASI: ['wasi']
}

const verdicts = new WeakMap<object, Verdict>()

export function verdictOf(prototype: object): Verdict {
  let verdict = verdicts.get(prototype)
  if (verdict === undefined) {
    verdict = judge(prototype)
    verdicts.set(prototype, verdict)
  }
  return verdict
}

function judge(prototype: object): Verdict {
  let isBuiltIn = false
  for (let link: object | null = prototype; link !== null; link = Object.getPrototypeOf(link)) {
    if (link === Object.prototype) break
    if (link === Error.prototype) return ERROR
    if (link === URL.prototype) return URL_VERDICT
    if (link === URLSearchParams.prototype) return SEARCH_PARAMS
    const constructor = ownValue(link, 'constructor')
    if (constructor === globalThis.DOMException) return ERROR
    if (typeof constructor === 'function' && constructor.prototype === link) {
      if (isNative(constructor)) {
        // The constructor of `process.env` has no name.
        if (constructor.name === 'Object' || constructor.name === '') break
        // Of another realm (`node:vm`): the test above knows only the classes of this realm.
        if (constructor.name.endsWith('Error')) return ERROR
        if (!TOLD_BY_TYPE.has(constructor.name)) return { is: 'host', name: nameOf(prototype) }
        isBuiltIn = true
        continue
      }
      if (isNodeClass(constructor)) return { is: 'host', name: nameOf(prototype) }
    }
    if (isWebInterface(link) || isIterator(link) || isHandle(link)) return { is: 'host', name: nameOf(prototype) }
  }
  return isBuiltIn ? BUILT_IN : PLAIN
}

function isNative(fn: AnyFunction): boolean {
  return !fn.name.startsWith('bound ') && Function.prototype.toString.call(fn).endsWith('{ [native code] }')
}

function isNodeClass(constructor: AnyFunction): boolean {
  if (!Object.hasOwn(NODE_CLASSES, constructor.name)) return false
  return NODE_CLASSES[constructor.name].some(module => {
    const exports = process.getBuiltinModule(module) as Record<string, unknown> | undefined
    return exports?.[constructor.name] === constructor
  })
}

/** Returns true for a class of the web platform, such as AbortSignal: a global with the name that its instances have. */
function isWebInterface(prototype: object): boolean {
  const tag = ownValue(prototype, Symbol.toStringTag)
  if (typeof tag !== 'string' || !Object.hasOwn(globalThis, tag)) return false
  const global = (globalThis as Record<string, unknown>)[tag]
  return typeof global === 'function' && global.prototype === prototype
}

function isIterator(prototype: object): boolean {
  const next = ownValue(prototype, 'next')
  return typeof next === 'function' && isNative(next)
}

/** Returns true for timers, handles of the event loop, and open files. */
function isHandle(prototype: object): boolean {
  const has = (name: string): boolean => typeof ownValue(prototype, name) === 'function'
  return (has('ref') && has('unref') && has('hasRef')) || (has('datasync') && has('readv') && has('writev'))
}

/** Returns the name of an instance's class. */
function nameOf(prototype: object): string {
  for (let link: object | null = prototype; link !== null; link = Object.getPrototypeOf(link)) {
    const constructor = ownValue(link, 'constructor')
    if (typeof constructor === 'function' && constructor.name !== '' && constructor.name !== 'Object') {
      return constructor.name
    }
    const tag = ownValue(link, Symbol.toStringTag)
    if (typeof tag === 'string' && tag !== '') return tag
  }
  return 'closed object'
}

const toString = Object.prototype.toString

/** Returns true if an object with `Object.prototype`, whose first key is given, nevertheless has a built-in type. */
export function isExotic(object: object, firstKey: string | undefined): boolean {
  if (firstKey === undefined) {
    return (
      toString.call(object) !== '[object Object]' ||
      types.isMap(object) ||
      types.isSet(object) ||
      ArrayBuffer.isView(object) ||
      types.isAnyArrayBuffer(object)
    )
  }
  // For example, the `arguments` of a function.
  return firstKey === '0' && (ArrayBuffer.isView(object) || toString.call(object) !== '[object Object]')
}
