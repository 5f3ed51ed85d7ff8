/**
 * What the threads of one process know of its place among processes, in the header of the arena that they share:
 *
 *     ARENA     0 → descriptor of the arena of processes + 1   by the first thread that has one, compare-and-exchange
 *     OWNER     the id there of the process's first thread, 0 until it has one; written by it, before ARENA or when it attaches
 *     WINDOWS   by window: 0 → the address where it is mapped, for all threads   by the thread that mapped it, compare-and-exchange
 *
 * The process keeps the descriptor and the windows until it ends: otherwise each thread would need its own, and a thread that is
 * stopped could not give them back.
 */
import { ARENA_BYTES, PROCESSES_WORD, WINDOW_BYTES } from '../arena/layout.ts'
import type { Memory } from '../arena/memory.ts'
import type { OwnerId } from '../arena/process-table.ts'

const ARENA = PROCESSES_WORD
const OWNER = PROCESSES_WORD + 1
const WINDOWS = PROCESSES_WORD + 2

export class ProcessDirectory {
  readonly #words: Int32Array
  readonly windows: BigInt64Array

  /** @param memory the arena of the threads */
  constructor(memory: Memory) {
    this.#words = memory.first.words
    const { buffer, byteOffset } = this.#words
    this.windows = new BigInt64Array(buffer, byteOffset + WINDOWS * 4, ARENA_BYTES / WINDOW_BYTES)
  }

  /** The descriptor of the arena of processes; -1 if there is none yet. */
  get fd(): number {
    return Atomics.load(this.#words, ARENA) - 1
  }

  get owner(): OwnerId {
    return Atomics.load(this.#words, OWNER)
  }

  setOwner(owner: OwnerId): void {
    Atomics.store(this.#words, OWNER, owner)
  }

  /** Publishes an arena of processes. Returns false if another thread has published one before. */
  publish(fd: number): boolean {
    return Atomics.compareExchange(this.#words, ARENA, 0, fd + 1) === 0
  }
}
