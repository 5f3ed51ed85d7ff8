import { types } from 'node:util'
import type { AnyFunction } from '../references/data.ts'
import type { Kind } from './registry.ts'
import type { Writer } from './writer.ts'

const OTHER_PROCESS = 'it belongs to this process; send what it takes to open another one where it is needed'

/** What to do instead, for each class. */
const ADVICE: Readonly<Record<string, string>> = {
  Blob: 'send its bytes: await blob.arrayBuffer()',
  File: 'send its bytes: await file.arrayBuffer()',
  Promise: 'await it first, and send the result',
  WeakMap: 'send a Map',
  WeakSet: 'send a Set',
  WeakRef: 'send the object it refers to: ref.deref()',
  Generator: 'send its items: [...generator]',
  AsyncGenerator: 'collect its items into an array first',
  SharedArrayBuffer: 'it cannot be shared between processes; use Array or SharedMemory',
  Headers: 'send its entries: [...headers]',
  FormData: 'send its entries: [...formData]',
  Request: 'send its url, method, headers and body',
  Response: 'send its status, headers and body: await response.bytes()',
  AbortSignal: 'pass it in the options of the call, where it is observed here',
  KeyObject: 'send its export()',
  Timeout: 'start a timer where it is needed',
  Immediate: 'start a timer where it is needed',
  arguments: 'send an array: [...arguments]'
}

function withArticle(name: string): string {
  return /^[aeio]|^u(?!ni)/i.test(name) ? `an ${name}` : `a ${name}`
}

/** Refuses an instance of something that lives in this process, or that JavaScript keeps closed. */
export function refuseInstance(writer: Writer, name: string): never {
  const advice =
    ADVICE[name] ?? (name.endsWith('Iterator') || name.endsWith('Helper') ? ADVICE.Generator : OTHER_PROCESS)
  writer.refuse(withArticle(name), advice)
}

export function refuseSymbol(writer: Writer, symbol: symbol): never {
  writer.refuse(`the symbol ${String(symbol)}`, 'symbols are unique to their process; send a string')
}

export function refuseFunction(writer: Writer, fn: AnyFunction): never {
  const type = Function.prototype.toString.call(fn).startsWith('class') ? 'class' : 'function'
  writer.refuse(
    fn.name === '' ? `a ${type} without a name` : `the ${type} ${fn.name}`,
    'send data, and let the receiver import the function from its module'
  )
}

/** Refuses code for a program that has not authenticated. */
export function refuseCode(writer: Writer, fn: AnyFunction, isInstance = false): never {
  const type = Function.prototype.toString.call(fn).startsWith('class') ? 'class' : 'function'
  const name = fn.name === '' ? `a ${type} without a name` : `the ${type} ${fn.name}`
  writer.refuse(
    isInstance ? `an instance of ${name}` : name,
    `code crosses only between programs that have shown each other their key: give both an authkey${
      isInstance ? ', or send its fields: { ...object }' : ''
    }`
  )
}

/** Checks that an object of the kind may leave the family of processes. */
export function checkLeaves(writer: Writer, object: object, kind: Kind): void {
  if (kind.crossesPrograms === true && writer.audience === 'program') return
  const name = (object as { constructor?: { name?: unknown } }).constructor?.name
  const what = withArticle(typeof name === 'string' && name !== '' ? name : kind.name)
  if (kind.crossesPrograms === true) {
    writer.refuse(what, 'it crosses only between programs that have shown each other their key: give both an authkey')
  }
  writer.refuse(
    `${what} in shared memory`,
    'only processes of this family can use it; send a copy of what it holds, or have a manager hold it'
  )
}

/** Refuses a shared object that another copy of this package created: only that copy knows it. */
export function refuseCopy(writer: Writer, object: object, url: string): never {
  const name = (object as { constructor?: { name?: unknown } }).constructor?.name
  writer.refuse(
    `${withArticle(typeof name === 'string' && name !== '' ? name : 'shared object')} from another copy of multiprocess at ${url}`,
    'let the program load one copy: install the package once (npm dedupe), and import it under one path'
  )
}

export function refuseProxy(writer: Writer): never {
  writer.refuse('a Proxy', 'send the object behind it, or a copy of it: { ...proxy }')
}

export function refuseArguments(writer: Writer): never {
  writer.refuse('an arguments object', ADVICE.arguments)
}

export function refuseModule(writer: Writer): never {
  writer.refuse('a module namespace', 'import the module where it is needed, or send a copy: { ...namespace }')
}

export function refuseExternal(writer: Writer): never {
  writer.refuse('a pointer of native code', OTHER_PROCESS)
}

/** Refuses objects of closed built-in types, whatever their prototype is. */
export function refuseClosed(writer: Writer, object: object): never {
  let name = 'closed built-in object'
  if (types.isPromise(object)) name = 'Promise'
  else if (types.isWeakMap(object)) name = 'WeakMap'
  else if (types.isWeakSet(object)) name = 'WeakSet'
  else if (types.isSharedArrayBuffer(object)) name = 'SharedArrayBuffer'
  else if (types.isGeneratorObject(object)) name = Symbol.asyncIterator in object ? 'AsyncGenerator' : 'Generator'
  else if (types.isMapIterator(object)) name = 'Map Iterator'
  else if (types.isSetIterator(object)) name = 'Set Iterator'
  refuseInstance(writer, name)
}
