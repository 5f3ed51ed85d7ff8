import { ValueError } from '../../errors.ts'
import { brandOf } from '../../ground/brand.ts'
import type { AnyFunction, FunctionReferenceData } from '../references/data.ts'
import type { Writer } from './writer.ts'

export interface FunctionCodec {
  /** Throws SerializationError, naming `path`, when the function cannot be named so. */
  referenceOf(fn: AnyFunction, path: string): FunctionReferenceData
  /** The function; its module has been imported. Throws when the module does not export it. */
  resolveReference(reference: FunctionReferenceData): unknown
}

/** Objects that cross as themselves, and the plain data that a message holds in their place. */
export interface Kind<T = unknown, D = unknown> {
  /** The brand of its objects (`ground/brand.ts`), the same in every process. */
  readonly name: string
  /** What `importModule` imports before a message is read that holds one: the module that registers the kind. */
  readonly request?: string
  /** Whether its objects also cross to other programs, that have shown their key. */
  readonly crossesPrograms?: boolean
  /** @param writer its message, for which `encode` may hold something, or name what is shared: see `Writer` */
  encode(value: T, writer: Writer): D
  decode(data: D): T
}

/** Writes what an object holds as the built-in type that it is. */
export type WriteContents = (writer: Writer, object: object, prototype: object | null) => void

/** How functions cross that have no reference, and objects with the classes that they are instances of. */
export interface CodeCodec {
  /** Writes a function or class, which the message has not met. */
  writeFunction(writer: Writer, fn: AnyFunction): void
  /** Writes an object that must arrive with its class; returns false if it has no such class. */
  writeInstance(writer: Writer, object: object, prototype: object, writeContents: WriteContents): boolean
  /** Writes a proxy without running its handler; false when that cannot be done. */
  writeProxy(writer: Writer, proxy: object): boolean
}

let codeCodec: CodeCodec | null = null
let functionCodec: FunctionCodec | null = null
const kinds = new Map<string, Kind>()

/** Lets functions and classes cross; until this is called they are refused. */
export function setFunctionCodec(codec: FunctionCodec | null): void {
  functionCodec = codec
}

/** Lets functions cross by value, and instances with their class; until this is called these arrive as plain objects. */
export function setCodeCodec(codec: CodeCodec | null): void {
  codeCodec = codec
}

export function getCodeCodec(): CodeCodec | null {
  return codeCodec
}

export function getFunctionCodec(): FunctionCodec | null {
  return functionCodec
}

/** Lets a further kind of object cross. Throws ValueError when the name is taken. */
export function registerKind<T, D>(kind: Kind<T, D>): void {
  if (kinds.has(kind.name)) {
    throw new ValueError(`the kind ${JSON.stringify(kind.name)} is already registered; a name stands for one kind`)
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
