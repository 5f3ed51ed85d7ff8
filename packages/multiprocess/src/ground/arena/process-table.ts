/**
 * The process table: who belongs to the family. Slot words, and who may write them:
 *
 *     STATE    FREE → STARTING | parent's slot | thread   by the parent, compare-and-exchange: a slot is claimed by one only
 *              STARTING → LIVE                   by the child, once it has attached
 *              STARTING, LIVE → FREE             by whoever reaps it, after the process is gone
 *     AGE      one more at each reaping: slot and age make an id that is not used again for a long time
 *     PARENT   by the claimer, right after its claim; 0 until then
 *     PID, START_LOW, START_HIGH                 by the parent after the spawn, then (the same) by the child
 *     BELL     the child: the descriptor of its doorbell's pipe, + 1; 0 while it has none
 *     BELL_PIPE  the number of that pipe, by the child, before BELL
 *     ENDED    a thread's exit code << 1 | 1, by itself as it ends: its parent may be blocked then
 *     STOPPED  when a thread was stopped, by who stopped it, or came to its end, by itself; 0: neither
 *     ABROAD   a thread: 1 before it claims a slot among processes
 *     WORK …   of one that was started without work, by its parent: see work.ts
 *     WAITS, NAME                                see waits.ts
 *     REAPED   the id, by whoever begins to reap it: from then on it reads nothing that others write
 *     ROLE, TITLE …                              see titles.ts; for those who look on from outside
 *     REPORTED 0 → 1 by the child, see report-word.ts
 *     ASLEEP   1 by its owner before sleeping in its event loop; 1 → 0 by the one waker who then rings
 *
 * A thread that uses what processes share claims a slot among them for itself; `thread` is its slot among threads then, and 0
 * for all others. It sets ABROAD, there, before.
 *
 * A parent that dies between claiming and spawning leaves STARTING with no pid: `isAlive` says no, and it is reaped.
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

/** V8 stops a thread at the next call or turn of a loop; the sections under locks take microseconds. */
const STOP_MS = 500

const AGE_MASK = 2 ** 20 - 1

/** Slot and age in 30 bits, never 0. */
export type OwnerId = number

/** The owner of blocks that belong to nobody alone: the slot 0, which no process ever has. */
export const SHARED_OWNER: OwnerId = 1 << SLOT_BITS

/** The owner of blocks that nobody reaps, and whose holders nobody counts: they go when they are taken out of their list. */
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
   * A free slot, or 0 when all are taken.
   * @param thread the id among threads of one that claims it for itself
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

  /** The one in the slot now has a pid. @param startTime tells it from others that had or will have that pid */
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

  /** True while the process starts or runs, as far as anybody has noticed. */
  isMember(id: OwnerId): boolean {
    return this.#isCurrent(id)
  }

  /** True once the process was reaped or, as a thread, said that it ends. */
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

  /** The process is gone, and is about to be reaped. */
  setReaped(id: OwnerId): void {
    Atomics.store(this.#words, this.#base(slotOf(id)) + REAPED, id)
  }

  isReaped(id: OwnerId): boolean {
    return Atomics.load(this.#words, this.#base(slotOf(id)) + REAPED) === id
  }

  /** The slot can be used again; what the process left must have been taken care of. Of several that do so one does. */
  free(id: OwnerId): void {
    const base = this.#base(slotOf(id))
    const age = ((id >> SLOT_BITS) - 1) & AGE_MASK
    if (!this.#isCurrent(id)) return
    if (Atomics.compareExchange(this.#words, base + AGE, age, (age + 1) & AGE_MASK) !== age) return
    // The next claimer has yet to write these when others first see its claim.
    this.#words.fill(0, base + PID, base + SLOT_BYTES / 4)
    Atomics.store(this.#words, base + STATE, FREE)
  }

  /** All that were claimed and not freed. */
  *members(): Generator<OwnerId> {
    for (let slot = 1; slot < SLOT_COUNT; slot++) {
      if (Atomics.load(this.#words, this.#base(slot) + STATE) !== FREE) yield this.#idOf(slot)
    }
  }

  /**
   * Whether the one that started `id` is `parent`, or is gone altogether. A claimer that died before it wrote its name is
   * told by its slot, which is not used again before it is reaped itself.
   */
  isOrphanOf(id: OwnerId, parent: OwnerId): boolean {
    const base = this.#base(slotOf(id))
    const named = Atomics.load(this.#words, base + PARENT)
    if (named !== 0) return named === parent || !this.#isCurrent(named)
    return slotOf(Atomics.load(this.#words, base + STATE) >> PARENT_SHIFT) === slotOf(parent)
  }

  /** Who started it; 0: the first of its family, or not known as yet. */
  parent(id: OwnerId): OwnerId {
    return Atomics.load(this.#words, this.#base(slotOf(id)) + PARENT)
  }

  waitsWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + WAITS
  }

  /** The first word of a member's slot. */
  slotWord(id: OwnerId): number {
    return this.#base(slotOf(id))
  }

  nameWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + NAME
  }

  hasBell(id: OwnerId): boolean {
    return this.#isCurrent(id) && Atomics.load(this.#words, this.#base(slotOf(id)) + BELL) !== 0
  }

  /** @param pipe tells the pipe from all other files, for others to check what they open by the descriptor's number */
  setBell(id: OwnerId, fd: number, pipe: number): void {
    this.#words[this.#base(slotOf(id)) + BELL_PIPE] = pipe
    Atomics.store(this.#words, this.#base(slotOf(id)) + BELL, fd + 1)
  }

  bellPipe(id: OwnerId): number {
    return this.#words[this.#base(slotOf(id)) + BELL_PIPE]
  }

  /** -1 when it has none. */
  bell(id: OwnerId): number {
    return this.#isCurrent(id) ? Atomics.load(this.#words, this.#base(slotOf(id)) + BELL) - 1 : -1
  }

  /** The word that holds the bell, for grounds whose bell is the word itself. */
  bellWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + BELL
  }

  /** 0 until a thread says that it ends. */
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

  /** A thread was stopped now. */
  setStopped(id: OwnerId): void {
    Atomics.store(this.#words, this.#base(slotOf(id)) + STOPPED, toWord(monotonicMs()))
  }

  /** Whether it was stopped so long ago that it must have come to a stop. */
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

  /** Whether a thread has claimed the slot for itself. */
  isOfThread(id: OwnerId): boolean {
    return slotOf(Atomics.load(this.#words, this.#base(slotOf(id)) + STATE) >> THREAD_SHIFT) !== 0
  }

  /** What a thread of this process has claimed for itself. @param owner the first thread of the process */
  *slotsOfThread(thread: OwnerId, owner: OwnerId): Generator<OwnerId> {
    for (const id of this.members()) {
      const state = Atomics.load(this.#words, this.#base(slotOf(id)) + STATE)
      const parent = slotOf(state >> PARENT_SHIFT)
      const pid = this.pid(id)
      if (slotOf(state >> THREAD_SHIFT) !== slotOf(thread) || (parent !== 0 && parent !== slotOf(owner))) continue
      // It may have been stopped before it wrote its pid.
      if (pid === 0 || pid === process.pid) yield id
    }
  }

  /** 0 until `setWork`. */
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

  /** The word that its owner sets before it sleeps in its event loop. */
  asleepWord(id: OwnerId): number {
    return this.#base(slotOf(id)) + ASLEEP
  }
}
