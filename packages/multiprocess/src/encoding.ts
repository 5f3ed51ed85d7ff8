/**
 * `multiprocess/codec`: values as bytes, for programs that themselves carry the bytes to each other, through a queue, a file or a socket.
 *
 * The bytes are a contract between programs with the same `VERSION`. Code (functions, classes and their instances) is written and read only
 * for the audience 'program': another program whose bytes are authenticated, for example by an HMAC with a key that both have.
 * @module multiprocess/codec
 */
import './entries/loaders.ts'
import './crossing/named-memory.ts'
import { checkOptions, describe, optionNames } from './checks.ts'
import { VERSION as FORMAT } from './codec/bytes/format.ts'
import { decode as decodeMessage, modulesOf as modulesIn } from './codec/decode.ts'
import { Encoder } from './codec/encode.ts'
import { importModule, isImported, WRITTEN_REQUEST } from './codec/references/imports.ts'
import { renameModules } from './codec/rename-modules.ts'
import { sendableError } from './codec/sendable-error.ts'
import { SerializationError } from './errors.ts'

/** The version of the format. Messages of another version are refused. */
export const VERSION: number = FORMAT

/**
 * The program on the other side. 'stranger': any program; only plain data is written and read. 'program': another program that has proved
 * that it has the same key; its functions, classes and instances are accepted, and decoding them runs its code.
 */
export type CodecAudience = 'program' | 'stranger'

/** The options of `encode` and `encodeError`. */
export interface EncodeOptions {
  /** The reader of the message. Default: 'stranger'. */
  audience?: CodecAudience
  /** Gets the URL of a module that the message needs (`file:///app/tasks.js`) and returns the name to write. Default: the URL. */
  nameModule?: (url: string) => string
  /** The name of the value in errors. Default: 'value'. */
  path?: string
}

/** The options of `decode`. */
export interface DecodeOptions {
  /** The writer of the message. Use 'program' only for bytes that are authenticated. Default: 'stranger'. */
  audience?: CodecAudience
  /** Gets a name that `nameModule` returned and returns the module's URL in this program. Default: the name is the URL. */
  findModule?: (name: string) => string
}

/** One options object may serve both directions. */
const OPTIONS = optionNames("{ audience: 'program' }", 'audience', 'findModule', 'nameModule', 'path')
const AUDIENCES: readonly unknown[] = ['program', 'stranger']
const encoder = new Encoder()

/**
 * Returns a value as bytes.
 *
 * Values cross as between processes (see "What can cross"), except shared objects: locks, queues and shared memory belong to one program
 * and are refused. The message is at most 2 GiB long.
 * @throws SerializationError if the value, or something in it, cannot cross to the audience; `path` names the place
 * @example
 * import { decode, encode } from 'multiprocess/codec'
 *
 * const bytes = encode({ id: 7 })
 * console.log(await decode(bytes)) // { id: 7 }
 */
export function encode(value: unknown, options: EncodeOptions = {}): Uint8Array {
  checkOptions(options, OPTIONS)
  const { audience = 'stranger', nameModule, path } = options
  encoder.audience = checkAudience(audience)
  encoder.encode(value, undefined, 0, 0, path)
  const bytes = encoder.bytes.slice(encoder.start, encoder.end)
  return nameModule === undefined ? bytes : renameModules(bytes, request => renamed(request, nameModule))
}

/**
 * Returns an error as bytes. Parts of the error that cannot cross are replaced by texts that describe them, so an error can always be sent.
 * @example
 * import { decode, encodeError } from 'multiprocess/codec'
 *
 * const bytes = encodeError(new RangeError('too large'))
 * console.log((await decode(bytes)) instanceof RangeError) // true
 */
export function encodeError(error: unknown, options: EncodeOptions = {}): Uint8Array {
  try {
    return encode(error, options)
  } catch (refusal) {
    if (!(error instanceof Error)) return encode(refusal, options)
  }
  try {
    return encode(
      sendableError(error, (value, path) => refusalOf(value, { ...options, path })),
      options
    )
  } catch {
    const { name, message, stack } = error
    const plain = new Error(String(message))
    plain.name = String(name)
    plain.stack = String(stack)
    return encode(plain, options)
  }
}

/** Returns the reason why a value cannot cross, or undefined if it can. */
function refusalOf(value: unknown, options: EncodeOptions): Error | undefined {
  try {
    encode(value, options)
    return undefined
  } catch (error) {
    return error as Error
  }
}

/**
 * Returns the value of a message, after importing the modules that its functions come from.
 * @throws SerializationError if the message is damaged, if it was written by another version, or if it holds code and its writer is a
 * stranger
 * @throws MultiprocessError (`ERR_IMPORT`) if a module cannot be imported
 * @example
 * import { decode, encode } from 'multiprocess/codec'
 *
 * console.log(await decode(encode(new Set([1, 2])))) // Set(2) { 1, 2 }
 */
export async function decode(bytes: Uint8Array, options: DecodeOptions = {}): Promise<unknown> {
  checkOptions(options, OPTIONS)
  const { audience = 'stranger', findModule } = options
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`bytes must be a Uint8Array, got ${describe(bytes)}`)
  }
  if (checkAudience(audience) === 'stranger') return decodeMessage(bytes, 0, bytes.length, null, true)
  checkModules(modulesIn(bytes))
  const local = findModule === undefined ? bytes : renameModules(bytes, name => renamed(name, findModule))
  const missing = modulesIn(local).filter(module => !isImported(module))
  if (missing.length > 0) await Promise.all(missing.map(importModule))
  return decodeMessage(local)
}

/**
 * Returns the names of the modules that the message needs; an empty array if it holds only plain data.
 * @example
 * import { encode, modulesOf } from 'multiprocess/codec'
 *
 * console.log(modulesOf(encode([1, 2]))) // []
 */
export function modulesOf(bytes: Uint8Array): string[] {
  return modulesIn(bytes)
}

/** Requests other than modules belong to one program, such as its memory; the code reader handles code. */
const FOREIGN = /^(?:buffer|memory|shared|proxies|remote):/

function checkModules(names: readonly string[]): void {
  const foreign = names.find(name => FOREIGN.test(name))
  if (foreign === undefined) return
  throw new SerializationError(`cannot read the message: it needs '${foreign}', which belongs to another program`)
}

function checkAudience(audience: unknown): CodecAudience {
  if (AUDIENCES.includes(audience)) return audience as CodecAudience
  const shown = typeof audience === 'string' ? `'${audience}'` : String(audience)
  throw new TypeError(`audience must be 'program' or 'stranger', got ${shown}`)
}

/** Renames a module in a request: its URL, or an import as another module wrote it, `[the other's URL, specifier, attributes]`. */
function renamed(request: string, rename: (name: string) => string): string {
  if (request.startsWith(WRITTEN_REQUEST)) {
    const [parent, specifier, ...rest] = JSON.parse(request.slice(WRITTEN_REQUEST.length)) as [
      string,
      string,
      ...unknown[]
    ]
    return (
      WRITTEN_REQUEST + JSON.stringify([rename(parent), isModule(specifier) ? rename(specifier) : specifier, ...rest])
    )
  }
  return isModule(request) ? rename(request) : request
}

/** Returns true for the name of a module. Builtins, what every process has, and the codec's own requests have the same name everywhere. */
function isModule(request: string): boolean {
  return !/^(?:node|intrinsic|code):/.test(request) && URL.canParse(request)
}
