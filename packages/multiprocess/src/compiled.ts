/**
 * Keeps what V8 compiled of this package's own files from one run to the next, as CPython keeps `.pyc` files: compiling them anew
 * takes a quarter of the time that a process needs to start. The build makes the package's CommonJS files load each other through `cached`.
 *
 * One file for each build and place of the package, version of Node, kind of process and set of V8's options. The place counts because code
 * that V8 takes from there has the paths that it was compiled with, in stacks too. The files are in a directory that belongs to this user
 * alone, since whoever can write it can run code here. V8 checks that such code is of its own version and options, and believes the rest. So
 * a file tells the text that the code was compiled of, and holds everything twice: comparing takes a hundredth of the time of a checksum.
 *
 *     twice:
 *       bytes of the table, bytes of this half   two 32-bit words
 *       the table                                JSON: path of the file → [offset, length of the text, length of the code]
 *       texts, each with its code                each at a multiple of 8
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync
} from 'node:fs'
import { createRequire, Module } from 'node:module'
import path from 'node:path'
import { runInThisContext, Script } from 'node:vm'

/** The build writes a hash of the package's files in its place. */
const BUILD = '$build'
/** Long enough for a start to be over. */
const SAVE_AFTER_MS = 100
/** Files that have not been written for so long are removed. */
const MOST_AGE_MS = 30 * 86_400_000
/** Beyond so many, the oldest are removed: each has up to 5 MB. */
const MOST_FILES = 64
/** One that somebody began to write, and has not finished by then, was given up. */
const STALE_MS = 60_000
const HEADER = 8

/** It takes longer to compile than to read a function with it. It is one file, which loads no other. */
const PARSER = 'acorn'

type Role = 'program' | 'child' | 'thread'
type Load = (id: string) => unknown
type Table = Record<string, readonly [offset: number, text: number, code: number]>

/** A file's text and what V8 compiled of it. */
interface Part {
  readonly text: Buffer
  readonly code: Buffer
}

class Cache {
  readonly #file: string
  readonly #kept: ReadonlyMap<string, Part>
  readonly #scripts = new Map<string, { text: Buffer; script: Script }>()
  #isDue: boolean

  /** @param isKept whether what this process compiles is kept for the next one */
  constructor(file: string, isKept: boolean) {
    this.#file = file
    this.#isDue = !isKept
    this.#kept = partsOf(file)
  }

  /** Among the modules that Node knows: functions are found there, and `import` of the file gets the same one. */
  load(filename: string, plain: NodeJS.Require): unknown {
    const known = plain.cache[filename]
    if (known !== undefined) return known.exports
    const module = new Module(filename)
    module.filename = filename
    plain.cache[filename] = module
    try {
      this.#run(module, plain)
    } catch (error) {
      delete plain.cache[filename]
      throw error
    }
    module.loaded = true
    return module.exports
  }

  #run(module: NodeJS.Module, plain: NodeJS.Require): void {
    const { filename } = module
    const text = readFileSync(filename)
    const kept = this.#kept.get(filename)
    const begin = '(function (exports, require, module, __filename, __dirname) { '
    const script = new Script(`${begin}${text}\n})`, {
      filename,
      columnOffset: -begin.length,
      cachedData: kept?.text.equals(text) ? kept.code : undefined
    })
    if (script.cachedDataRejected !== false) this.#saveLater()
    this.#scripts.set(filename, { text, script })
    const directory = path.dirname(filename)
    script.runInThisContext()(module.exports, this.requireIn(directory, plain), module, filename, directory)
  }

  requireIn(directory: string, plain: NodeJS.Require): Load {
    const load: Load = id => {
      if (id.startsWith('.')) return this.load(path.join(directory, id), plain)
      return id === PARSER ? this.load(plain.resolve(id), plain) : plain(id)
    }
    // Code that V8 did not compile from a module's text cannot import by itself.
    return Object.assign(load, plain, { import: (specifier: string) => import(specifier) })
  }

  /** Soon, so that it is done also in a process that is going to be killed; or when this process ends. */
  #saveLater(): void {
    if (this.#isDue) return
    this.#isDue = true
    const save = () => {
      if (!this.#isDue) return
      this.#isDue = false
      try {
        this.#save()
      } catch {
        // A full disk or a directory that cannot be written: the next run compiles again.
      }
    }
    process.once('exit', save)
    setTimeout(save, SAVE_AFTER_MS).unref?.()
  }

  /** What this process has loaded, with the functions that it has run; and the rest of what was there. */
  #save(): void {
    const directory = path.dirname(this.#file)
    if (!existsSync(directory)) mkdirSync(directory, 0o700)
    if (!isOwn(directory)) return
    removeOld(directory)
    const temporary = `${this.#file}.new`
    // One at a time: whoever finds it there lets the other do it.
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      const parts = new Map(this.#kept)
      for (const [name, { text, script }] of this.#scripts) parts.set(name, { text, code: script.createCachedData() })
      writeFileSync(fd, packed(parts))
      renameSync(temporary, this.#file)
    } catch (error) {
      unlinkSync(temporary)
      throw error
    } finally {
      closeSync(fd)
    }
  }
}

function packed(parts: ReadonlyMap<string, Part>): Buffer {
  const table: Record<string, Table[string]> = {}
  // Longer than the real one, whose numbers are not known yet.
  const room = aligned(JSON.stringify([...parts.keys()]).length + parts.size * 48)
  let end = HEADER + room
  const pieces: Buffer[] = []
  for (const [name, { text, code }] of parts) {
    table[name] = [end, text.length, code.length]
    for (const bytes of [text, code]) {
      pieces.push(bytes, Buffer.alloc(aligned(bytes.length) - bytes.length))
      end += aligned(bytes.length)
    }
  }
  const header = Buffer.alloc(HEADER)
  header.writeUInt32LE(room, 0)
  header.writeUInt32LE(end, 4)
  const half = [header, Buffer.from(JSON.stringify(table).padEnd(room)), ...pieces]
  return Buffer.concat([...half, ...half])
}

const aligned = (length: number) => (length + 7) & ~7

/** Nothing when the file is not there, not this user's alone, or not whole. */
function partsOf(file: string): ReadonlyMap<string, Part> {
  const parts = new Map<string, Part>()
  try {
    const bytes = readOwn(file)
    const end = bytes.length / 2
    if (end <= HEADER || bytes.readUInt32LE(4) !== end || bytes.compare(bytes, end, 2 * end, 0, end) !== 0) return parts
    const table = JSON.parse(bytes.toString('latin1', HEADER, HEADER + bytes.readUInt32LE(0))) as Table
    for (const [name, [at, text, code]] of Object.entries(table)) {
      const codeAt = at + aligned(text)
      parts.set(name, { text: bytes.subarray(at, at + text), code: bytes.subarray(codeAt, codeAt + code) })
    }
  } catch {
    // The first run with this build, or files that cannot be read.
  }
  return parts
}

function readOwn(file: string): Buffer {
  if (!isOwn(path.dirname(file))) return Buffer.alloc(0)
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const found = fstatSync(fd, { bigint: true })
    const isOurs = found.isFile() && (found.mode & 0o22n) === 0n && Number(found.uid) === process.geteuid?.()
    return isOurs ? readFileSync(fd) : Buffer.alloc(0)
  } finally {
    closeSync(fd)
  }
}

/** A directory of this user's, in which nobody else can write. */
function isOwn(directory: string): boolean {
  const { mode, uid } = lstatSync(directory)
  return (mode & 0o170022) === 0o040000 && uid === process.geteuid?.()
}

function removeOld(directory: string): void {
  const now = Date.now()
  // Another process may remove the same ones meanwhile.
  const files = readdirSync(directory).flatMap(name => {
    const file = path.join(directory, name)
    const found = lstatSync(file, { throwIfNoEntry: false })
    if (found === undefined) return []
    return { file, age: now - found.mtimeMs, most: name.endsWith('.new') ? STALE_MS : MOST_AGE_MS }
  })
  files.sort((a, b) => a.age - b.age)
  for (const [index, { file, age, most }] of files.entries()) {
    if (index >= MOST_FILES || age > most) rmSync(file, { force: true })
  }
}

let found: Cache | null | undefined
/** Those that Node knows. */
const { cache } = createRequire(import.meta.url)

/**
 * Returns a `require` that takes what V8 compiled of the package's own files from the cache; `plain` itself where none can be used.
 * @param plain Node's, of the file that asks
 * @param directory where that file is
 */
export function cached(plain: NodeJS.Require, directory: string, role: Role): Load {
  // A test runner's, which loads modules into a context of its own.
  if (plain.cache === undefined || plain.cache !== cache) return plain
  // A thread takes what children have kept, and keeps nothing: Node 20 aborts when a thread is terminated while it makes cached data.
  if (found === undefined)
    found = isUsable() ? new Cache(fileOf(role === 'thread' ? 'child' : role, directory), role !== 'thread') : null
  return found === null ? plain : found.requireIn(directory, plain)
}

/** Not for a debugger's and a coverage's sake, where the program says so, nor in a context that a test runner has made. */
function isUsable(): boolean {
  const { env, versions } = process
  const { NODE_DISABLE_COMPILE_CACHE, NODE_V8_COVERAGE } = env
  if (NODE_DISABLE_COMPILE_CACHE || NODE_V8_COVERAGE || process.geteuid === undefined) return false
  if ('bun' in versions || 'deno' in versions || 'electron' in versions || 'permission' in process) return false
  if (/--(?:enable-source-maps|inspect|experimental-policy|policy)/.test(options())) return false
  return runInThisContext('Object') === Object
}

function fileOf(role: Role, home: string): string {
  const { NODE_COMPILE_CACHE, TMPDIR, TMP, TEMP } = process.env
  const directory = path.resolve(
    NODE_COMPILE_CACHE || TMPDIR || TMP || TEMP || '/tmp',
    `multiprocess-${process.geteuid?.()}`
  )
  const { version, arch } = process
  return path.join(directory, `${BUILD}-${version}-${arch}-${role}-${hashOf(`${home}\n${options()}`)}`)
}

/** Options of V8 among them make other code; those of one word, so that code given to `-e` makes no files. */
function options(): string {
  const { NODE_OPTIONS = '' } = process.env
  const words = [...process.execArgv, ...NODE_OPTIONS.split(/\s+/)]
  return words.filter(word => /^--(?!eval|print|import|require|loader|test|title|env)/.test(word)).join(' ')
}

function hashOf(text: string): string {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return (hash >>> 0).toString(16)
}
