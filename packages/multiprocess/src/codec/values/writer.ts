import { SerializationError } from '../../errors.ts'
import type { Family } from '../../ground/family.ts'
import { Parcel } from '../../ground/parcel.ts'
import { ByteWriter } from '../bytes/byte-writer.ts'
import { HAS_MODULES, MAX_DEPTH, REFERENCE, REFERRED } from '../bytes/format.ts'
import type { Shape } from './encode-shape.ts'
import type { LargeBuffers } from './large-buffers.ts'
import { MetObjects } from './met-objects.ts'
import { formatPath, type PathStep } from './path.ts'

/**
 * Whether SharedArrayBuffers may be sent. `once`: one thread reads the message, once. `held`: they are offered until the message is
 * released.
 */
export type SharesBuffers = 'no' | 'once' | 'held'

/**
 * The reader of the message: a process of the family; another program that has authenticated; or a program that has not, and gets only
 * plain data.
 */
export type Audience = 'family' | 'program' | 'stranger'

function hasEnumerableFields(object: object): boolean {
  for (const _ in object) return true
  return false
}

/** What a message with functions or classes has besides its data. */
export interface CodeWriter {
  /** True while a captured value is being written. */
  readonly isCapturing: boolean
  /** Writes an object that every process has or can import. Returns false for any other object. */
  writeKnown(object: object): boolean
  /** Notes that a second reference to the object at this position is about to be written. */
  refer(position: number): void
  /** Writes a symbol. Returns false if no symbol may be written here. */
  writeSymbol(symbol: symbol): boolean
  finish(): void
  close(): void
}

/** Where a captured variable comes from. */
export interface Origin {
  /** The function that is being sent. */
  readonly subject: string
  /** The names that lead from it to the function that captures the variable. */
  readonly chain: readonly string[]
  readonly variable: string
}

/** The state of one walk over a value: where its bytes go, which objects it has met, and which part it is writing. */
export class Writer extends ByteWriter {
  /** The path from the root to the value that is being written; `steps[depth - 1]` belongs to the innermost container. */
  readonly steps: PathStep[] = new Array(MAX_DEPTH).fill('')
  depth = 0
  /** True if `Object.prototype` adds nothing to a loop over an object's keys; set by `begin`. */
  hasPlainPrototype = true
  /** The code in this message; null while it has none. */
  code: CodeWriter | null = null
  /** The origin of the captured variable that is being written; null outside of functions. */
  origin: Origin | null = null
  /** True if large buffers may follow the message. */
  allowsLarge = false
  /** Whether the reader is a thread of this program and, if so, whether it is the only one. */
  sharesBuffers: SharesBuffers = 'no'
  audience: Audience = 'family'
  large: LargeBuffers | null = null
  /** True if the message contains the class of the error that is written next. */
  tellsClass = false
  /** An array that this package made. It has elements only, and V8 is not asked for its fields, which takes longer than writing it. */
  row: unknown = null
  /** The shapes that this message defines. */
  readonly shapes: Shape[] = []

  /** The functions that free what the message holds; null if it holds nothing. */
  releases: (() => void)[] | null = null
  /** The parcel that keeps the shared objects named by the message; `releases` free it, too. */
  parcel: Parcel | null = null

  readonly #met = new MetObjects()
  #modules: Map<string, number> | null = null

  begin(target: Uint8Array | undefined, start: number, limit: number, root: string): void {
    this.hasPlainPrototype = !hasEnumerableFields(Object.prototype)
    this.place(target, start, limit, root)
  }

  /** Writes the trailer. Returns true if the message is in the scratch. */
  override finish(): boolean {
    if (this.#modules !== null) this.#writeModules(this.#modules)
    return super.finish()
  }

  /** Forgets the value, so that nothing of the user's is kept alive; also after an error. */
  clear(): void {
    this.#met.clear()
    this.#modules = null
    this.releases = null
    this.parcel = null
    this.depth = 0
    if (this.code !== null) {
      this.code.close()
      this.code = null
    }
    this.origin = null
    this.tellsClass = false
    this.large = null
    this.row = null
    this.stopped = undefined
    const shapes = this.shapes
    if (shapes.length > 0) {
      for (let i = 0; i < shapes.length; i++) if (shapes[i].writer === this) shapes[i].writer = null
      shapes.length = 0
    }
  }

  /** If the object was met before, writes a reference and returns true. Otherwise, the object's tag must be written next. */
  meet(object: object): boolean {
    const position = this.#met.meet(object, this.pos - this.base)
    if (position < 0) return false
    if (this.code !== null) this.code.refer(position)
    this.mark(position, REFERRED)
    this.ensure(5)
    this.u8[this.pos] = REFERENCE
    this.view.setUint32(this.pos + 1, position, true)
    this.pos += 5
    return true
  }

  /** Enters a container. Returns the depth to pass to `leave`. */
  enter(): number {
    const depth = this.depth
    if (depth >= MAX_DEPTH) this.tooDeep()
    this.depth = depth + 1
    return depth
  }

  moduleNumber(url: string): number {
    this.#modules ??= new Map()
    const known = this.#modules.get(url)
    if (known !== undefined) return known
    const number = this.#modules.size
    this.#modules.set(url, number)
    return number
  }

  #writeModules(modules: Map<string, number>): void {
    const position = this.position
    this.count(modules.size)
    for (const url of modules.keys()) this.string(url)
    this.uint32(position)
    this.mark(0, HAS_MODULES)
  }

  /** Makes the message hold something until `release` is called. */
  hold(release: () => void): void {
    this.releases ??= []
    this.releases.push(release)
  }

  /** Makes the message name a shared block, which this process holds. */
  name(family: Family, block: number): void {
    if (this.parcel === null) {
      const parcel = new Parcel()
      this.parcel = parcel
      this.hold(() => parcel.drop())
    }
    this.parcel.add(family, block)
  }

  path(): string {
    return formatPath(this.root, this.steps, this.depth)
  }

  /** Refuses a value. `what` has its article, as in `a Socket`; `advice` is an imperative. */
  refuse(what: string, advice: string): never {
    const place = this.origin === null ? `${this.path()}: it` : this.#captured(this.origin)
    this.failWith(`${place} is ${what}; ${advice}`)
  }

  /** Refuses a value for a reason that is a sentence. */
  fail(reason: string, cause?: unknown): never {
    this.failWith(`${this.origin === null ? this.path() : this.#captured(this.origin)}: ${reason}`, cause)
  }

  failWith(message: string, cause?: unknown): never {
    throw new SerializationError(`cannot send ${message}`, this.path(), cause === undefined ? undefined : { cause })
  }

  #captured({ subject, chain, variable }: Origin): string {
    const via = chain.map(name => `\`${name}\``).join(' → ')
    return `${subject}: captured variable \`${formatPath(variable, this.steps, this.depth)}\` (via ${via})`
  }

  /** Refuses a value that is nested too deep. With a cause, the stack overflowed before the limit was reached. */
  tooDeep(cause?: unknown): never {
    if (cause !== undefined && this.depth > 0) this.depth--
    const path = this.path()
    throw new SerializationError(
      `cannot send ${path}: it is nested too deep (${
        cause === undefined ? `more than ${MAX_DEPTH} containers inside each other` : 'the stack overflows'
      }); send it flat, as an array of its parts`,
      path,
      cause === undefined ? undefined : { cause }
    )
  }
}
