import { ValueError } from '../../errors.ts'
import { brandOf } from '../../ground/brand.ts'
import type { AnyFunction, FunctionReferenceData } from '../references/data.ts'
import type { Writer } from './writer.ts'

export interface FunctionCodec {
  /** @throws SerializationError, naming `path`, if the function has no reference */
  referenceOf(fn: AnyFunction, path: string): FunctionReferenceData
  /** Returns the function; its module must have been imported. Throws if the module does not export it. */
  resolveReference(reference: FunctionReferenceData): unknown
}

/** A kind of objects that cross as themselves: a message holds plain data in their place. */
export interface Kind<T = unknown, D = unknown> {
  /** The brand of its objects (`ground/brand.ts`), the same in every process. */
  readonly name: string
  /** What `importModule` imports before a message with such an object is read: the module that registers the kind. */
  readonly request?: string
  /** True if its objects also cross to other programs that have authenticated. */
  readonly crossesPrograms?: boolean
  /** @param writer the writer of the message, for which `encode` may hold something, or name what is shared: see `Writer` */
  encode(value: T, writer: Writer): D
  decode(data: D): T
}

/** Writes the contents of an object as the built-in type that it is. */
export type WriteContents = (writer: Writer, object: object, prototype: object | null) => void

/** How functions without a reference cross, and objects with their classes. */
export interface CodeCodec {
  /** Writes a function or class that the message has not met. */
  writeFunction(writer: Writer, fn: AnyFunction): void
  /** Writes an object that must arrive with its class. Returns false if it has no such class. */
  writeInstance(writer: Writer, object: object, prototype: object, writeContents: WriteContents): boolean
  /** Writes a proxy without running its handler. Returns false if that is not possible. */
  writeProxy(writer: Writer, proxy: object): boolean
}

let codeCodec: CodeCodec | null = null
let functionCodec: FunctionCodec | null = null
const kinds = new Map<string, Kind>()

/** Lets functions and classes cross; before this call, they are refused. */
export function setFunctionCodec(codec: FunctionCodec | null): void {
  functionCodec = codec
}

/** Lets functions cross by value, and instances with their class; before this call, instances arrive as plain objects. */
export function setCodeCodec(codec: CodeCodec | null): void {
  codeCodec = codec
}

export function getCodeCodec(): CodeCodec | null {
  return codeCodec
}

export function getFunctionCodec(): FunctionCodec | null {
  return functionCodec
}

/** Lets another kind of object cross. @throws ValueError if the name is taken */
export function registerKind<T, D>(kind: Kind<T, D>): void {
  if (kinds.has(kind.name)) {
    throw new ValueError(
      `cannot register the kind ${JSON.stringify(kind.name)}: it is already registered; use another name`
    )
  }
  kinds.set(kind.name, kind as Kind)
}

/** Returns the kind of an object that crosses as itself; null for every other object. */
export function kindOf(value: object): Kind | null {
  const name = brandOf(value)
  return name === undefined ? null : (kinds.get(name) ?? null)
}

export function kindNamed(name: string): Kind | undefined {
  return kinds.get(name)
}
