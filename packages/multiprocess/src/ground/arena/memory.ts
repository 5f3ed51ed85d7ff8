/**
 * Shared bytes: a sparse range, mapped window by window when first touched. An offset from its beginning
 * names the same bytes in every process.
 */
import { compiledInstructions, type Instructions, plainInstructions } from './instructions.ts'
import { WINDOW_BITS, WINDOW_BYTES } from './layout.ts'

/** What a ground gives: bytes that others see, and sleeping on a word of them. */
export interface Backing {
  /** Bytes that there can be. */
  readonly length: number
  /** Maps a range, which begins at `start` of the buffer; `address` is where it stands for `wait` and `wake`. */
  map(offset: number, length: number): { buffer: ArrayBufferLike; start: number; address: number }
  unmap(address: number, length: number): void
  /** An ArrayBuffer of its own for bytes that are mapped already; where there is none, views share one buffer. */
  bufferAt?(address: number, length: number): ArrayBuffer
  /** Maps a range in the place of the memory that `target` has, which begins at a page of its own; where that can be done. */
  mapOver?(target: Uint8Array, offset: number): void
  /** Puts zeros in the place of a mapping that somebody may still look at. */
  bury?(address: number, length: number): void
  /**
   * Sleeps until woken, while the word there is `expected`; spurious wake-ups happen (futex(2)).
   * @param timeout milliseconds, or Infinity
   * @returns whether it was woken, found another value, or ran out
   */
  wait(address: number, expected: number, timeout: number): 'woken' | 'changed' | 'timed-out'
  /** Wakes up to `count` sleepers of the word; answers how many. */
  wake(address: number, count: number): number
  /** Lets others run that wait for this processor (sched_yield(2)), where that can be done. */
  yield?(): void
  /** Gives the memory behind a range back, where that can be done; what stood there is lost. */
  discard(offset: number, length: number): void
}

export const MAX_VIEW_BYTES = 2 ** 32 - 1
/** Each takes addresses from those that the process has. */
const COMPILED_WINDOWS = 16
/** Mappings begin at a multiple of this: the largest page of the platforms there are. */
const MAP_BYTES = 65_536

export interface Window {
  readonly words: Int32Array
  readonly bytes: Uint8Array
  readonly address: number
}

export class Memory {
  readonly backing: Backing
  /** The window with the header, the process table and the parking lot. */
  readonly first: Window
  readonly #windows: Window[] = []
  readonly #instructions: Instructions[] = []

  constructor(backing: Backing) {
    this.backing = backing
    this.first = this.window(0)
  }

  /** The window with number `index`: bytes index × WINDOW_BYTES and on. */
  window(index: number): Window {
    return this.#windows[index] ?? this.#map(index)
  }

  windowOf(at: number): Window {
    return this.window(Math.floor(at / WINDOW_BYTES))
  }

  #map(index: number): Window {
    const window = this.#view(index * WINDOW_BYTES, WINDOW_BYTES)
    this.#windows[index] = window
    return window
  }

  #view(offset: number, length: number): Window {
    if (!(offset >= 0 && length > 0 && offset + length <= this.backing.length)) {
      throw new RangeError(`no bytes ${offset} to ${offset + length} in an arena of ${this.backing.length}`)
    }
    // A longer one aborts the whole process on Node 20.
    if (length > MAX_VIEW_BYTES)
      throw new RangeError(`cannot view ${length} bytes at once, ${MAX_VIEW_BYTES} at the most`)
    const { buffer, start, address } = this.backing.map(offset, length)
    return {
      words: new Int32Array(buffer, start, Math.floor(length / 4)),
      bytes: new Uint8Array(buffer, start, length),
      address
    }
  }

  /** Atomic instructions for the words of the window that `at` is in. */
  instructionsOf(at: number): Instructions {
    const index = windowIndex(at)
    this.#instructions[index] ??= this.#instructionsOf(index)
    return this.#instructions[index]
  }

  #instructionsOf(index: number): Instructions {
    const compiled =
      index < COMPILED_WINDOWS ? compiledInstructions(this.backing, index * WINDOW_BYTES, WINDOW_BYTES) : undefined
    return compiled ?? plainInstructions(this.window(index).words)
  }

  /** The word at `at`, read plainly: for words guarded by a lock. */
  get(at: number): number {
    return this.windowOf(at).words[(at % WINDOW_BYTES) >> 2]
  }

  set(at: number, value: number): void {
    this.windowOf(at).words[(at % WINDOW_BYTES) >> 2] = value
  }

  /** Where the word at `at` stands among those of its window. */
  indexOf(at: number): number {
    return (at % WINDOW_BYTES) >> 2
  }

  /** Futex on the word at `at`. */
  wait(at: number, expected: number, timeout: number): 'woken' | 'changed' | 'timed-out' {
    return this.backing.wait(this.#address(at), expected, timeout)
  }

  wake(at: number, count: number): number {
    return this.backing.wake(this.#address(at), count)
  }

  #address(at: number): number {
    return this.windowOf(at).address + (at % WINDOW_BYTES)
  }

  /** The bytes of a block as a buffer to keep: of exactly their length, where the ground can do that. */
  bufferOf(at: number, length: number): BufferPart {
    const start = at % WINDOW_BYTES
    const { backing } = this
    if (length === 0) return { buffer: new ArrayBuffer(0), start: 0, end: () => {} }
    if (backing.bufferAt === undefined) {
      const { buffer, start: begin } = backing.map(at, length)
      return { buffer, start: begin, end: () => {} }
    }
    if (start + length <= WINDOW_BYTES) {
      return { buffer: backing.bufferAt(this.#address(at), length), start: 0, end: () => {} }
    }
    if (length > MAX_VIEW_BYTES)
      throw new RangeError(`cannot view ${length} bytes at once, ${MAX_VIEW_BYTES} at the most`)
    // What is mapped begins at a page.
    const lead = at % MAP_BYTES
    const { address } = backing.map(at - lead, lead + length)
    return {
      buffer: backing.bufferAt(address + lead, length),
      start: 0,
      end: () => backing.unmap(address, lead + length)
    }
  }

  /**
   * Hands the bytes of a block to `use`, wherever its windows end: what is longer than a window is mapped for as long as
   * `use` runs, and must not be kept.
   */
  withBytes<R>(at: number, length: number, use: (bytes: Uint8Array, start: number) => R): R {
    const start = at % WINDOW_BYTES
    if (start + length <= WINDOW_BYTES) return use(this.windowOf(at).bytes, start)
    const window = this.#view(at, length)
    try {
      return use(window.bytes, 0)
    } finally {
      this.backing.unmap(window.address, length)
    }
  }
}

/** Bytes that are looked at as long as somebody has the buffer. */
export interface BufferPart {
  readonly buffer: ArrayBufferLike
  readonly start: number
  /** Once nobody has it. */
  readonly end: () => void
}

export function windowIndex(at: number): number {
  return Math.floor(at / 2 ** WINDOW_BITS)
}
