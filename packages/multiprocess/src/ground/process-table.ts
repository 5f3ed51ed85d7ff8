/**
 * The process table: who belongs to the family. Slot words, and who may write them:
 *
 *     STATE    FREE → STARTING | parent's slot   by the parent, compare-and-exchange: a slot is claimed by one only
 *              STARTING → LIVE                   by the child, once it has attached
 *              STARTING, LIVE → FREE             by whoever reaps it, after the process is gone
 *     AGE      one more at each reaping: slot and age make an id that is not used again for a long time
 *     PID, START_LOW, START_HIGH                 by the parent after the spawn, then (the same) by the child
 *     BELL     the child: the descriptor of its doorbell's pipe, + 1; 0 while it has none
 *     ASLEEP   1 by its owner before sleeping in its event loop; 1 → 0 by the one waker who then rings
 *
 * A parent that dies between claiming and spawning leaves STARTING with no pid: `isAlive` says no, and it is reaped.
 */
import { SLOT_BYTES, SLOT_COUNT, TABLE_AT } from './layout.ts'
import type { Memory } from './memory.ts'
import { isRunning, processStatus } from './process-status.ts'

const STATE = 0
const AGE = 1
const PID = 2
const START_LOW = 3
const START_HIGH = 4
const PARENT = 5
const BELL = 6
const ASLEEP = 7

const FREE = 0
const STARTING = 1
const LIVE = 2

const SLOT_BITS = 10
const AGE_MASK = 2 ** 20 - 1

/** Slot and age in 30 bits, never 0. */
export type OwnerId = number

export function slotOf(id: OwnerId): number {
  return id & (SLOT_COUNT - 1)
}

export class ProcessTable {
  readonly #words: Int32Array

  constructor(memory: Memory) {
    this.#words = memory.first.words
  }

  #base(slot: number): number {
    return (TABLE_AT + slot * SLOT_BYTES) >> 2
  }

  #idOf(slot: number): OwnerId {
    return (((this.#words[this.#base(slot) + AGE] + 1) & AGE_MASK) << SLOT_BITS) | slot
  }

  #isCurrent(id: OwnerId): boolean {
    return this.#idOf(slotOf(id)) === id && Atomics.load(this.#words, this.#base(slotOf(id)) + STATE) !== FREE
  }

  /** A free slot, or 0 when all are taken. */
  claim(parent: OwnerId): OwnerId {
    for (let slot = 1; slot < SLOT_COUNT; slot++) {
      const base = this.#base(slot)
      if (Atomics.compareExchange(this.#words, base + STATE, FREE, STARTING | (slotOf(parent) << 8)) !== FREE) continue
      this.#words.fill(0, base + PID, base + SLOT_BYTES / 4)
      this.#words[base + PARENT] = parent
      return this.#idOf(slot)
    }
    return 0
  }

  /** The process in the slot now has a pid. */
  setProcess(id: OwnerId, pid: number): void {
    const status = processStatus(pid)
    const base = this.#base(slotOf(id))
    this.#words[base + START_LOW] = status === null ? 0 : status.startTime % 2 ** 31
    this.#words[base + START_HIGH] = status === null ? 0 : Math.floor(status.startTime / 2 ** 31)
    Atomics.store(this.#words, base + PID, pid)
  }

  setLive(id: OwnerId): void {
    const word = this.#base(slotOf(id)) + STATE
    Atomics.store(this.#words, word, (Atomics.load(this.#words, word) & ~0xff) | LIVE)
  }

  pid(id: OwnerId): number {
    return this.#isCurrent(id) ? Atomics.load(this.#words, this.#base(slotOf(id)) + PID) : 0
  }

  isStarting(id: OwnerId): boolean {
    return this.#isCurrent(id) && (Atomics.load(this.#words, this.#base(slotOf(id)) + STATE) & 0xff) === STARTING
  }

  /** Asks the kernel, so it costs some 20 µs. */
  isAlive(id: OwnerId): boolean {
    const pid = this.pid(id)
    if (pid === 0) return false
    const base = this.#base(slotOf(id))
    return isRunning(pid, this.#words[base + START_LOW] + this.#words[base + START_HIGH] * 2 ** 31)
  }

  /** The slot can be used again; what the process left must have been taken care of. */
  free(id: OwnerId): void {
    if (!this.#isCurrent(id)) return
    const base = this.#base(slotOf(id))
    this.#words[base + AGE] = (this.#words[base + AGE] + 1) & AGE_MASK
    Atomics.store(this.#words, base + STATE, FREE)
  }

  /** All that were claimed and not freed. */
  *members(): Generator<{ id: OwnerId; parent: OwnerId }> {
    for (let slot = 1; slot < SLOT_COUNT; slot++) {
      const base = this.#base(slot)
      if (Atomics.load(this.#words, base + STATE) !== FREE) {
        yield { id: this.#idOf(slot), parent: this.#words[base + PARENT] }
      }
    }
  }

  setBell(id: OwnerId, fd: number): void {
    Atomics.store(this.#words, this.#base(slotOf(id)) + BELL, fd + 1)
  }

  /** -1 when it has none. */
  bell(id: OwnerId): number {
    return this.#isCurrent(id) ? Atomics.load(this.#words, this.#base(slotOf(id)) + BELL) - 1 : -1
  }

  /** The word that its owner sets before it sleeps in its event loop. */
  asleepWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + ASLEEP
  }
}
