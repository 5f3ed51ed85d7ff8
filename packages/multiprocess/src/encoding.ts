/**
 * `multiprocess/codec`: values as bytes, for programs that carry the bytes to each other themselves, over a queue, a file or a socket.
 *
 * The bytes are a contract between programs with the same `VERSION`. Code (functions, classes and their instances) is written and read
 * only for the audience 'program': another program whose bytes are authenticated, for example by an HMAC with a key that both have.
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
 * Who is on the other side. 'stranger': anyone, who gets and gives plain data only. 'program': another program that has proved that
 * it holds the same key; its functions, classes and instances are accepted, and decoding them runs its code.
 */
export type CodecAudience = 'program' | 'stranger'

/** Options of `encode`. */
export interface EncodeOptions {
  /** Who will read the message. Default: 'stranger'. */
  audience?: CodecAudience
  /** Gets the URL of a module that the message needs (`file:///app/tasks.js`) and returns the name to write. Default: the URL. */
  nameModule?: (url: string) => string
  /** What errors call the value. Default: 'value'. */
  path?: string
}

/** Options of `decode`. */
export interface DecodeOptions {
  /** Who wrote the message. Say 'program' only of bytes that are authenticated. Default: 'stranger'. */
  audience?: CodecAudience
  /** Gets a name that `nameModule` returned and returns the module's URL in this program. Default: the name is the URL. */
  findModule?: (name: string) => string
}

/** One object may serve both directions. */
const OPTIONS = optionNames("{ audience: 'program' }", 'audience', 'findModule', 'nameModule', 'path')
const AUDIENCES: readonly unknown[] = ['program', 'stranger']
const encoder = new Encoder()

/**
 * Returns a value as bytes.
 *
 * Values cross as between processes (see "What can cross"), but for shared objects: locks, queues and shared memory belong to one
 * program and are refused. The message is at most 2 GiB long.
 * @throws SerializationError if the value, or something in it, cannot cross to the audience; `path` names the place
 * @example
 * const bytes = encode({ id: 7, when: new Date() })
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
 * Returns an error as bytes. What the error holds and what cannot cross is replaced by a text that says what it was, so an error can
 * always be sent.
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

/** Returns why a value cannot cross; undefined: it can. */
function refusalOf(value: unknown, options: EncodeOptions): Error | undefined {
  try {
    encode(value, options)
    return undefined
  } catch (error) {
    return error as Error
  }
}

/**
 * Returns the value of a message, once the modules that its functions come from are imported.
 * @throws SerializationError if the message is damaged, if it was written by another version, or if it holds code and its writer is a
 *   stranger
 * @throws MultiprocessError (`ERR_IMPORT`) if a module cannot be imported
 * @example
 * const value = await decode(bytes)
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

/** Returns the names of the modules that the message needs; an empty array if it holds plain data only. */
export function modulesOf(bytes: Uint8Array): string[] {
  return modulesIn(bytes)
}

/** What is asked for beside modules belongs to one program, such as its memory; code is told by its reader. */
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

/** A module may be asked for by its URL, or as another module imports it: `[the other's URL, specifier, attributes]`. */
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

/** Builtins, what every process has, and the codec's own requests have the same name everywhere. */
function isModule(request: string): boolean {
  return !/^(?:node|intrinsic|code):/.test(request) && URL.canParse(request)
}
