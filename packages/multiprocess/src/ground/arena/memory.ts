/**
 * Shared bytes: a sparse range that is mapped window by window when it is first touched. An offset from its beginning names the
 * same bytes in every process.
 */
import { compiledInstructions, type Instructions, plainInstructions } from './instructions.ts'
import { WINDOW_BITS, WINDOW_BYTES } from './layout.ts'

/** What a platform provides: shared bytes, and sleeping on a word of them. */
export interface Backing {
  /** The length of the range in bytes. */
  readonly length: number
  /** Maps a range. The range begins at `start` of the buffer; `address` names it for `wait` and `wake`. */
  map(offset: number, length: number): { buffer: ArrayBufferLike; start: number; address: number }
  unmap(address: number, length: number): void
  /** Returns a separate ArrayBuffer for bytes that are mapped already. If undefined, all views share one buffer. */
  bufferAt?(address: number, length: number): ArrayBuffer
  /**
   * Maps a range in place of the memory of `target`, which begins at a page boundary. Undefined if the platform cannot do that.
   */
  mapOver?(target: Uint8Array, offset: number): void
  /** Puts zeros in place of a mapping that other code may still look at. */
  bury?(address: number, length: number): void
  /**
   * Sleeps until woken, while the word at `address` is `expected`. Spurious wake-ups happen (futex(2)).
   * @param timeout milliseconds, or Infinity
   * @returns 'woken'; 'changed' if the word had another value; or 'timed-out'
   */
  wait(address: number, expected: number, timeout: number): 'woken' | 'changed' | 'timed-out'
  /** Wakes up to `count` sleepers of the word. Returns how many it woke. */
  wake(address: number, count: number): number
  /** Lets other threads run that wait for this processor (sched_yield(2)). Undefined if the platform cannot do that. */
  yield?(): void
  /** Frees the memory behind a range, if the platform can do that. The content of the range is lost. */
  discard(offset: number, length: number): void
}

export const MAX_VIEW_BYTES = 2 ** 32 - 1
/** The maximum number of windows with compiled instructions: each takes addresses of the process. */
const COMPILED_WINDOWS = 16
/** Mappings begin at a multiple of this number: the largest page size of the supported platforms. */
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

  /** Returns the window with number `index`: its bytes begin at index × WINDOW_BYTES. */
  window(index: number): Window {
    return this.#windows[index] ?? this.#map(index)
  }

  windowOf(at: number): Window {
    return this.window(Math.floor(at / WINDOW_BYTES))
  }

  /** A block's words and bytes, to keep: those of its window, or of a mapping of its own where the window ends too early. */
  rangeOf(at: number, length: number): { readonly window: Window; readonly start: number } {
    const start = at % WINDOW_BYTES
    if (start + length <= WINDOW_BYTES) return { window: this.windowOf(at), start }
    return { window: this.#view(at, length), start: 0 }
  }

  #map(index: number): Window {
    const window = this.#view(index * WINDOW_BYTES, WINDOW_BYTES)
    this.#windows[index] = window
    return window
  }

  #view(offset: number, length: number): Window {
    if (!(offset >= 0 && length > 0 && offset + length <= this.backing.length)) {
      throw new RangeError(`cannot view bytes ${offset} to ${offset + length}: the arena has ${this.backing.length}`)
    }
    // A longer view would abort the whole process on Node 20.
    if (length > MAX_VIEW_BYTES)
      throw new RangeError(`cannot view ${length} bytes at once: the limit is ${MAX_VIEW_BYTES}`)
    const { buffer, start, address } = this.backing.map(offset, length)
    return {
      words: new Int32Array(buffer, start, Math.floor(length / 4)),
      bytes: new Uint8Array(buffer, start, length),
      address
    }
  }

  /** Returns atomic instructions for the words of the window that contains `at`. */
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

  /** Reads the word at `at` without an atomic instruction: for words guarded by a lock. */
  get(at: number): number {
    return this.windowOf(at).words[(at % WINDOW_BYTES) >> 2]
  }

  set(at: number, value: number): void {
    this.windowOf(at).words[(at % WINDOW_BYTES) >> 2] = value
  }

  /** Returns the index of the word at `at` in the words of its window. */
  indexOf(at: number): number {
    return (at % WINDOW_BYTES) >> 2
  }

  /** Sleeps on the word at `at`, see `Backing.wait`. */
  wait(at: number, expected: number, timeout: number): 'woken' | 'changed' | 'timed-out' {
    return this.backing.wait(this.#address(at), expected, timeout)
  }

  wake(at: number, count: number): number {
    return this.backing.wake(this.#address(at), count)
  }

  #address(at: number): number {
    return this.windowOf(at).address + (at % WINDOW_BYTES)
  }

  /** Returns the bytes of a block as a buffer to keep. Its length is exactly `length` if the platform can do that. */
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
      throw new RangeError(`cannot view ${length} bytes at once: the limit is ${MAX_VIEW_BYTES}`)
    // A mapping begins at a page boundary.
    const lead = at % MAP_BYTES
    const { address } = backing.map(at - lead, lead + length)
    return {
      buffer: backing.bufferAt(address + lead, length),
      start: 0,
      end: () => backing.unmap(address, lead + length)
    }
  }

  /**
   * Passes the bytes of a block to `use`, even if they cross the end of a window. Bytes that do are mapped only while `use` runs,
   * so `use` must not keep them.
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

/** A buffer that shows bytes of the arena. */
export interface BufferPart {
  readonly buffer: ArrayBufferLike
  readonly start: number
  /** Must be called when no code uses the buffer any more. */
  readonly end: () => void
}

export function windowIndex(at: number): number {
  return Math.floor(at / 2 ** WINDOW_BITS)
}
