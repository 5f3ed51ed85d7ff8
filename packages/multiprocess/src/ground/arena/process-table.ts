/**
 * The process table: the members of the family. The words of a slot, and who may write them:
 *
 *     STATE    FREE → STARTING | parent's slot | thread   by the parent, compare-and-exchange: only one process claims a slot
 *              STARTING → LIVE                   by the child, once it has attached
 *              STARTING, LIVE → FREE             by whoever reaps the process, after it is gone
 *     AGE      one more at each reaping: slot and age make an id that is not used again for a long time
 *     PARENT   by the claimer, right after its claim; 0 until then
 *     PID, START_LOW, START_HIGH                 by the parent after the spawn, then (with the same values) by the child
 *     BELL     by the child: the descriptor of its doorbell's pipe, + 1; 0 while it has none
 *     BELL_PIPE  the number of that pipe, by the child, before BELL
 *     ENDED    a thread's exit code << 1 | 1, by the thread itself as it ends: its parent may be blocked then
 *     STOPPED  when a thread was stopped, by the thread that stopped it, or when it ended, by itself; 0 if neither happened
 *     ABROAD   in a thread: 1 before it claims a slot among processes
 *     WORK …   in a process that was started without work, by its parent: see work.ts
 *     WAITS, NAME                                see waits.ts
 *     REAPED   the id, by whoever begins to reap the process: from then on the process reads nothing that others write
 *     ROLE, TITLE …                              see titles.ts; for observers outside the family
 *     REPORTED 0 → 1 by the child, see report-word.ts
 *     ASLEEP   1 by its owner before it sleeps in its event loop; 1 → 0 by the one waker that then rings
 *
 * A thread that uses what processes share claims a slot among them for itself. `thread` is then its slot among threads; it is 0
 * for all other members. The thread sets ABROAD in its slot among threads before the claim.
 *
 * A parent that dies between claiming and spawning leaves STARTING without a pid: `isAlive` returns false, and the slot is
 * reaped.
 */
import { monotonicMs, toWord, wordsBetween } from '../os/time.ts'
import { SLOT_BYTES, SLOT_COUNT, TABLE_AT } from './layout.ts'
import type { Memory } from './memory.ts'
import { REPORTED } from './report-word.ts'

const STATE = 0
const AGE = 1
const PID = 2
const START_LOW = 3
const START_HIGH = 4
const PARENT = 5
const BELL = 6
const ASLEEP = 7
const ENDED = 8
const STOPPED = 9
const ABROAD = 10
const WORK = 11
const WORK_AT_LOW = 12
const WORK_AT_HIGH = 13
const WORK_LENGTH = 14
const WAITS = 15
const NAME = 16
const BELL_PIPE = 17
const REAPED = 18

const FREE = 0
const STARTING = 1
const LIVE = 2

const SLOT_BITS = 10
const PARENT_SHIFT = 8
const THREAD_SHIFT = PARENT_SHIFT + SLOT_BITS

/** V8 stops a thread at its next call or loop iteration; the sections under locks take microseconds. */
const STOP_MS = 500

const AGE_MASK = 2 ** 20 - 1

/** Slot and age in 30 bits, never 0. */
export type OwnerId = number

/** The owner of blocks that belong to no process alone: slot 0, which no process ever has. */
export const SHARED_OWNER: OwnerId = 1 << SLOT_BITS

/**
 * The owner of blocks that no process reaps, and whose holders are not counted: they are freed when they are taken out of their
 * list.
 */
export const LISTED_OWNER: OwnerId = SHARED_OWNER << 1

export function slotOf(id: OwnerId): number {
  return id & (SLOT_COUNT - 1)
}

export class ProcessTable {
  readonly #words: Int32Array

  constructor(memory: Pick<Memory, 'first'>) {
    this.#words = memory.first.words
  }

  #base(slot: number): number {
    return (TABLE_AT + slot * SLOT_BYTES) >> 2
  }

  #idOf(slot: number): OwnerId {
    return this.#idAt(this.#base(slot), slot)
  }

  #idAt(base: number, slot: number): OwnerId {
    return (((this.#words[base + AGE] + 1) & AGE_MASK) << SLOT_BITS) | slot
  }

  #isCurrent(id: OwnerId): boolean {
    const slot = slotOf(id)
    const base = this.#base(slot)
    return this.#idAt(base, slot) === id && Atomics.load(this.#words, base + STATE) !== FREE
  }

  /**
   * Claims a free slot. Returns its id, or 0 if all slots are taken.
   * @param thread the id among threads of a thread that claims the slot for itself
   */
  claim(parent: OwnerId, thread: OwnerId = 0): OwnerId {
    const state = STARTING | (slotOf(parent) << PARENT_SHIFT) | (slotOf(thread) << THREAD_SHIFT)
    for (let slot = 1; slot < SLOT_COUNT; slot++) {
      const base = this.#base(slot)
      if (Atomics.compareExchange(this.#words, base + STATE, FREE, state) !== FREE) continue
      Atomics.store(this.#words, base + PARENT, parent)
      return this.#idOf(slot)
    }
    return 0
  }

  /**
   * Records the pid of the process in the slot. @param startTime tells it from other processes with the same pid, earlier or
   * later
   */
  setProcess(id: OwnerId, pid: number, startTime: number): void {
    const base = this.#base(slotOf(id))
    this.#words[base + START_LOW] = startTime % 2 ** 31
    this.#words[base + START_HIGH] = Math.floor(startTime / 2 ** 31)
    Atomics.store(this.#words, base + PID, pid)
  }

  setLive(id: OwnerId): void {
    const word = this.#base(slotOf(id)) + STATE
    Atomics.store(this.#words, word, (Atomics.load(this.#words, word) & ~0xff) | LIVE)
  }

  pid(id: OwnerId): number {
    return this.#isCurrent(id) ? Atomics.load(this.#words, this.#base(slotOf(id)) + PID) : 0
  }

  /** Returns true while the process starts or runs, as far as any process has noticed. */
  isMember(id: OwnerId): boolean {
    return this.#isCurrent(id)
  }

  /** Returns true once the process was reaped or, if it is a thread, has announced its end. */
  hasLeft(id: OwnerId): boolean {
    return !this.#isCurrent(id) || Atomics.load(this.#words, this.endedWord(id)) !== 0
  }

  /** Returns true if the first module of the process or thread has begun to run. */
  hasReported(id: OwnerId): boolean {
    return this.#isCurrent(id) && Atomics.load(this.#words, this.#base(slotOf(id)) + REPORTED) !== 0
  }

  isStarting(id: OwnerId): boolean {
    return this.#state(id) === STARTING
  }

  isLive(id: OwnerId): boolean {
    return this.#state(id) === LIVE
  }

  #state(id: OwnerId): number {
    return this.#isCurrent(id) ? Atomics.load(this.#words, this.#base(slotOf(id)) + STATE) & 0xff : FREE
  }

  startTime(id: OwnerId): number {
    const base = this.#base(slotOf(id))
    return this.#words[base + START_LOW] + this.#words[base + START_HIGH] * 2 ** 31
  }

  /** Records that the process is gone and about to be reaped. */
  setReaped(id: OwnerId): void {
    Atomics.store(this.#words, this.#base(slotOf(id)) + REAPED, id)
  }

  isReaped(id: OwnerId): boolean {
    return Atomics.load(this.#words, this.#base(slotOf(id)) + REAPED) === id
  }

  /**
   * Frees the slot. The caller must have taken care of what the process left. If several processes reap, only one of them frees
   * the slot.
   */
  free(id: OwnerId): void {
    const base = this.#base(slotOf(id))
    const age = ((id >> SLOT_BITS) - 1) & AGE_MASK
    if (!this.#isCurrent(id)) return
    if (Atomics.compareExchange(this.#words, base + AGE, age, (age + 1) & AGE_MASK) !== age) return
    // Cleared first: other processes see the next claim before the next claimer writes these words.
    this.#words.fill(0, base + PID, base + SLOT_BYTES / 4)
    Atomics.store(this.#words, base + STATE, FREE)
  }

  /** Yields all ids that were claimed and not freed. */
  *members(): Generator<OwnerId> {
    for (let slot = 1; slot < SLOT_COUNT; slot++) {
      if (Atomics.load(this.#words, this.#base(slot) + STATE) !== FREE) yield this.#idOf(slot)
    }
  }

  /**
   * Returns true if the process that started `id` is `parent`, or is gone altogether. A claimer that died before it wrote its id
   * is identified by its slot, which is not used again before the claimer itself is reaped.
   */
  isOrphanOf(id: OwnerId, parent: OwnerId): boolean {
    const base = this.#base(slotOf(id))
    const named = Atomics.load(this.#words, base + PARENT)
    if (named !== 0) return named === parent || !this.#isCurrent(named)
    return slotOf(Atomics.load(this.#words, base + STATE) >> PARENT_SHIFT) === slotOf(parent)
  }

  /** Returns the id of the process that started this one; 0 for the first of its family, or if not known yet. */
  parent(id: OwnerId): OwnerId {
    return Atomics.load(this.#words, this.#base(slotOf(id)) + PARENT)
  }

  waitsWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + WAITS
  }

  /** Returns the index of the first word of a member's slot. */
  slotWord(id: OwnerId): number {
    return this.#base(slotOf(id))
  }

  nameWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + NAME
  }

  hasBell(id: OwnerId): boolean {
    return this.#isCurrent(id) && Atomics.load(this.#words, this.#base(slotOf(id)) + BELL) !== 0
  }

  /**
   * Records the doorbell of a process.
   * @param pipe tells the pipe from all other files: others check it after they open the descriptor's number
   */
  setBell(id: OwnerId, fd: number, pipe: number): void {
    this.#words[this.#base(slotOf(id)) + BELL_PIPE] = pipe
    Atomics.store(this.#words, this.#base(slotOf(id)) + BELL, fd + 1)
  }

  bellPipe(id: OwnerId): number {
    return this.#words[this.#base(slotOf(id)) + BELL_PIPE]
  }

  /** Returns the descriptor of the doorbell, or -1 if the process has none. */
  bell(id: OwnerId): number {
    return this.#isCurrent(id) ? Atomics.load(this.#words, this.#base(slotOf(id)) + BELL) - 1 : -1
  }

  /** Returns the index of the word with the bell, for platforms whose bell is the word itself. */
  bellWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + BELL
  }

  /** Returns the index of the word that is 0 until a thread announces its end. */
  endedWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + ENDED
  }

  hasEnded(id: OwnerId): boolean {
    return this.#isCurrent(id) && Atomics.load(this.#words, this.endedWord(id)) !== 0
  }

  endCode(id: OwnerId): number {
    return Atomics.load(this.#words, this.endedWord(id)) >> 1
  }

  setEnded(id: OwnerId, exitcode: number): void {
    Atomics.store(this.#words, this.endedWord(id), (exitcode << 1) | 1)
  }

  /** Records that a thread was stopped now. */
  setStopped(id: OwnerId): void {
    Atomics.store(this.#words, this.#base(slotOf(id)) + STOPPED, toWord(monotonicMs()))
  }

  /** Returns true if the thread was stopped so long ago that it must have come to a halt. */
  isStopped(id: OwnerId): boolean {
    const since = this.#isCurrent(id) ? Atomics.load(this.#words, this.#base(slotOf(id)) + STOPPED) : 0
    return since !== 0 && wordsBetween(since, toWord(monotonicMs())) >= STOP_MS
  }

  setAbroad(id: OwnerId): void {
    Atomics.store(this.#words, this.#base(slotOf(id)) + ABROAD, 1)
  }

  isAbroad(id: OwnerId): boolean {
    return Atomics.load(this.#words, this.#base(slotOf(id)) + ABROAD) !== 0
  }

  /** Returns true if a thread has claimed the slot for itself. */
  isOfThread(id: OwnerId): boolean {
    return slotOf(Atomics.load(this.#words, this.#base(slotOf(id)) + STATE) >> THREAD_SHIFT) !== 0
  }

  /** Yields the slots that a thread of this process has claimed for itself. @param owner the first thread of the process */
  *slotsOfThread(thread: OwnerId, owner: OwnerId): Generator<OwnerId> {
    for (const id of this.members()) {
      const state = Atomics.load(this.#words, this.#base(slotOf(id)) + STATE)
      const parent = slotOf(state >> PARENT_SHIFT)
      const pid = this.pid(id)
      if (slotOf(state >> THREAD_SHIFT) !== slotOf(thread) || (parent !== 0 && parent !== slotOf(owner))) continue
      // A thread that was stopped may not have written its pid.
      if (pid === 0 || pid === process.pid) yield id
    }
  }

  /** Returns the index of the word that is 0 until `setWork`. */
  workWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + WORK
  }

  hasWork(id: OwnerId): boolean {
    return Atomics.load(this.#words, this.workWord(id)) !== 0
  }

  setWork(id: OwnerId, at: number, length: number, hasMore: boolean): void {
    const base = this.#base(slotOf(id))
    this.#words[base + WORK_AT_LOW] = at % 2 ** 31
    this.#words[base + WORK_AT_HIGH] = Math.floor(at / 2 ** 31)
    this.#words[base + WORK_LENGTH] = length
    Atomics.store(this.#words, base + WORK, hasMore ? 2 : 1)
  }

  work(id: OwnerId): { at: number; length: number; hasMore: boolean } {
    const base = this.#base(slotOf(id))
    const at = this.#words[base + WORK_AT_LOW] + this.#words[base + WORK_AT_HIGH] * 2 ** 31
    return { at, length: this.#words[base + WORK_LENGTH], hasMore: this.#words[base + WORK] === 2 }
  }

  /** Returns the index of the word that its owner sets before it sleeps in its event loop. */
  asleepWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + ASLEEP
  }
}
