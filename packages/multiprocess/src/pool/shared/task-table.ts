/**
 * A pool's shared memory: task slots, the queue of those that are ready, and what each worker has finished.
 *
 * A slot's STATE says who has it; changing it is the whole of a hand-over, so that a death at any instruction leaves each
 * task with exactly one who has it:
 *
 *     FREE → READY                 the pool, once the task is in the slot
 *     READY → TAKEN | worker       one worker, by compare-and-exchange
 *     READY → FREE                 the pool, by compare-and-exchange: the task is withdrawn
 *     TAKEN → DONE | worker        that worker, once the result is in the slot
 *     DONE → FREE                  the pool, after it has taken the result
 *     TAKEN → FREE                 the pool, after that worker has died
 *
 * The queue holds numbers of slots, HEAD to TAIL. Only the pool appends. Any worker that reads the number at HEAD tries to
 * take that slot, and moves HEAD on by compare-and-exchange whether it got it or not: a slot that is not READY was taken or
 * withdrawn, and its place in the queue means nothing any more. A worker that was delayed between the two may take a slot
 * that was used again meanwhile, out of its order; the slot's new place in the queue is then skipped by others. So every
 * READY slot has a place between HEAD and TAIL.
 *
 * Each worker reports the numbers of finished slots in a ring of its own, which has a place for every slot and so is never
 * full; it writes the number first, then its DONE_TAIL.
 *
 * What those who look on from outside read, and WATCHED, which they write, is in pool-words.ts.
 */
import type { Memory } from '../../ground/arena/memory.ts'
import { PoolWords, WORDS_FOR_OTHERS } from './pool-words.ts'
import { TIMES_WORDS, WorkerTimes } from './worker-times.ts'

export const SLOT_COUNT = 2048
const MASK = SLOT_COUNT - 1

/** Words of the header. */
const HEAD = 0
const TAIL = 16
const SIGNAL = 32
const SEARCHER = 33
const CLOSING = 48
/** One more each time that a worker's STATUS is news to the pool. */
const NEWS = 49
/** What others read begins here. */
const FOR_OTHERS = 64
const HEADER_WORDS = FOR_OTHERS + WORDS_FOR_OTHERS

/** Words of a worker's part, before its ring. */
const DONE_TAIL = 0
const STATUS = 1
const REASON_BLOCK = 2
const REASON_LENGTH = 3
/** 1: the worker may take tasks. By the pool; a worker waits for it on this word. */
const PERMIT = 4
/** The worker that has the place, as the pool sees it. */
const MEMBER = 5
/** See worker-times.ts; even. */
const WORKER_TIMES = 8
const WORKER_WORDS = WORKER_TIMES + TIMES_WORDS

/** Words of a slot, before its payload. */
const STATE = 0
export const FUNCTION = 1
export const KIND = 2
export const FUNCTION_BLOCK = 3
export const FUNCTION_LENGTH = 4
/** Of a result: what keeps the shared objects that it names, in units; 0: it names none. */
export const RESULT_PARCEL = FUNCTION_LENGTH
export const LENGTH = 5
/** Where a payload that does not fit is, in units of 64 bytes; 0: in the slot. */
export const BLOCK = 6
export const IS_ERROR = 7
/** As 64-bit numbers, counted in those from the slot's begin: the task's number, and when it began and ended (`monotonicMs`). */
const ID = 4
const START = 5
const END = 6
/** What the pool wants beyond the result: the bits below. */
export const FLAGS = 14
/** 0, or why the task is to stop; by the pool, while the slot is TAKEN. */
export const CANCEL = 15
const SLOT_HEADER_BYTES = 64
const SLOT_BYTES = 512
export const INLINE_BYTES = SLOT_BYTES - SLOT_HEADER_BYTES

/** The pool may stop the task: its begin, or that of the chunk's item which runs, is written to the slot. */
export const CONTROLLED = 1
/** The task's begin and end are written to the slot. */
export const OBSERVED = 2
/** The pool is rung when the task begins. */
export const ANNOUNCED = 4
/** By the worker: it has taken the block of the arguments over, and the pool does not free it. */
export const KEPT = 8

export const CANCEL_ABORTED = 1
export const CANCEL_TIMED_OUT = 2

const FREE = 0
const READY = 1
const TAKEN = 2
const DONE = 3

/** A worker was woken and has yet to look at the queue. */
const WAKING = -1

export const WORKER_STARTING = 0
export const WORKER_READY = 1
/** It ends because it has done as many tasks as it may. */
export const WORKER_RETIRED = 2
/** Its initializer threw; the reason is the error. */
export const WORKER_FAILED = 3
/** It is ready, and waits for its PERMIT: to step in for one that leaves. */
export const WORKER_STANDBY = 4
/** It works, and will soon have done as many tasks as it may: another should be started. */
export const WORKER_LEAVING = 5
/** It works, and has more memory than it may: it leaves once its PERMIT is taken, when another is ready. */
export const WORKER_FULL = 6

export class TaskTable {
  readonly words: Int32Array
  readonly forOthers: PoolWords
  readonly bytes: Uint8Array
  readonly #numbers: Float64Array
  /** The word that idle workers are parked on. */
  readonly signalAt: number
  readonly #base: number
  readonly #slots: number
  readonly #workers: number

  static bytesFor(workers: number): number {
    return HEADER_WORDS * 4 + SLOT_COUNT * 4 + workers * (WORKER_WORDS + SLOT_COUNT) * 4 + SLOT_COUNT * SLOT_BYTES
  }

  /** Where what others read begins, in bytes from the block's begin. */
  static readonly othersAt = FOR_OTHERS * 4

  /** @param at a block of `bytesFor(workers)` bytes */
  constructor(memory: Pick<Memory, 'rangeOf'>, at: number, workers: number) {
    const { window, start } = memory.rangeOf(at, TaskTable.bytesFor(workers))
    this.words = window.words
    this.bytes = window.bytes
    this.#numbers = new Float64Array(window.words.buffer, window.words.byteOffset, window.words.length >> 1)
    this.signalAt = at + SIGNAL * 4
    this.#base = start >> 2
    this.forOthers = new PoolWords(this.words, this.#numbers, this.#base + FOR_OTHERS)
    this.#workers = this.#base + HEADER_WORDS + SLOT_COUNT
    this.#slots = this.#workers + workers * (WORKER_WORDS + SLOT_COUNT)
  }

  /** Once, before any worker attaches. */
  clear(workers: number): void {
    this.words.fill(0, this.#base, this.#base + TaskTable.bytesFor(workers) / 4)
  }

  /** The first word of a slot. */
  slot(slot: number): number {
    return this.#slots + slot * (SLOT_BYTES / 4)
  }

  /** The first byte of a slot's payload. */
  payload(slot: number): number {
    return this.slot(slot) * 4 + SLOT_HEADER_BYTES
  }

  id(slot: number): number {
    return this.#numbers[(this.slot(slot) >> 1) + ID]
  }

  /** 0 until the task has begun. */
  start(slot: number): number {
    return this.#numbers[(this.slot(slot) >> 1) + START]
  }

  setStart(slot: number, time: number): void {
    this.#numbers[(this.slot(slot) >> 1) + START] = time
  }

  end(slot: number): number {
    return this.#numbers[(this.slot(slot) >> 1) + END]
  }

  setEnd(slot: number, time: number): void {
    this.#numbers[(this.slot(slot) >> 1) + END] = time
  }

  // ------------------------------------------------------------------------------------------------ the pool's side

  setId(slot: number, id: number): void {
    this.#numbers[(this.slot(slot) >> 1) + ID] = id
  }

  /** False when the queue has no place: it is full of withdrawn tasks that the workers have yet to pass. */
  get hasPlace(): boolean {
    const { words } = this
    for (;;) {
      const head = Atomics.load(words, this.#base + HEAD)
      const tail = words[this.#base + TAIL]
      if (((tail - head) | 0) < SLOT_COUNT) return true
      const slot = words[this.#base + HEADER_WORDS + (head & MASK)]
      if (Atomics.load(words, this.slot(slot) + STATE) === READY) return false
      Atomics.compareExchange(words, this.#base + HEAD, head, (head + 1) | 0)
    }
  }

  publish(slot: number): void {
    const { words } = this
    const tail = words[this.#base + TAIL]
    words[this.#base + HEADER_WORDS + (tail & MASK)] = slot
    Atomics.store(words, this.slot(slot) + STATE, READY)
    Atomics.store(words, this.#base + TAIL, (tail + 1) | 0)
    Atomics.add(words, this.#base + SIGNAL, 1)
  }

  /** False when a worker has the task, or had it. */
  withdraw(slot: number): boolean {
    return Atomics.compareExchange(this.words, this.slot(slot) + STATE, READY, FREE) === READY
  }

  /** The pool has taken the result, or given the task up. */
  release(slot: number): void {
    Atomics.store(this.words, this.slot(slot) + STATE, FREE)
  }

  /** How far the worker's ring of finished slots reaches. */
  doneTail(worker: number): number {
    return Atomics.load(this.words, this.#worker(worker) + DONE_TAIL)
  }

  doneSlot(worker: number, position: number): number {
    return this.words[this.#worker(worker) + WORKER_WORDS + (position & MASK)]
  }

  /** The worker that has the task, or -1. */
  takenBy(slot: number): number {
    const state = Atomics.load(this.words, this.slot(slot) + STATE)
    return (state & 0xff) === TAKEN ? state >> 8 : -1
  }

  /** Whether the worker has any task. */
  isBusy(worker: number): boolean {
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.isTakenBy(slot, worker)) return true
    return false
  }

  isTakenBy(slot: number, worker: number): boolean {
    return Atomics.load(this.words, this.slot(slot) + STATE) === (TAKEN | (worker << 8))
  }

  isDoneBy(slot: number, worker: number): boolean {
    return Atomics.load(this.words, this.slot(slot) + STATE) === (DONE | (worker << 8))
  }

  /** Ready tasks, or a few more: withdrawn ones that nobody has passed yet are counted. */
  get readyCount(): number {
    return (Atomics.load(this.words, this.#base + TAIL) - Atomics.load(this.words, this.#base + HEAD)) | 0
  }

  /** A fresh process gets the worker's place. */
  resetWorker(worker: number): void {
    this.words.fill(0, this.#worker(worker), this.#worker(worker) + WORKER_WORDS)
  }

  workerStatus(worker: number): number {
    return Atomics.load(this.words, this.#worker(worker) + STATUS)
  }

  timesOf(worker: number): WorkerTimes {
    return new WorkerTimes(this.#numbers, (this.#worker(worker) + WORKER_TIMES) >> 1)
  }

  setMember(worker: number, id: number): void {
    this.words[this.#worker(worker) + MEMBER] = id
  }

  /** The member of the family that has a worker's place; 0: none. */
  member(worker: number): number {
    return this.words[this.#worker(worker) + MEMBER]
  }

  /** The block with the error that kept the worker from starting, in units; 0: none. */
  workerReason(worker: number): { block: number; length: number } {
    const base = this.#worker(worker)
    return { block: this.words[base + REASON_BLOCK], length: this.words[base + REASON_LENGTH] }
  }

  /** After a worker's death: it may have been the one that searches, or the one that was being woken. */
  forgetSearcher(worker: number): void {
    Atomics.compareExchange(this.words, this.#base + SEARCHER, worker + 1, 0)
    Atomics.compareExchange(this.words, this.#base + SEARCHER, WAKING, 0)
  }

  /** Lets a worker take tasks. */
  grant(worker: number): void {
    Atomics.store(this.words, this.#worker(worker) + PERMIT, 1)
  }

  /** The worker takes no task from now on; the signal changes, so that it looks. */
  revoke(worker: number): void {
    Atomics.store(this.words, this.#worker(worker) + PERMIT, 0)
    Atomics.add(this.words, this.#base + SIGNAL, 1)
  }

  get news(): number {
    return Atomics.load(this.words, this.#base + NEWS)
  }

  close(): void {
    Atomics.store(this.words, this.#base + CLOSING, 1)
    Atomics.add(this.words, this.#base + SIGNAL, 1)
  }

  // ------------------------------------------------------------------------------------------------ both sides

  /**
   * Whether a worker should be woken for what is ready: not while one searches, or is being woken. True makes the caller
   * the one who wakes; it says `wakeFailed()` when nobody slept.
   */
  claimWake(): boolean {
    const searcher = this.#base + SEARCHER
    return Atomics.load(this.words, searcher) === 0 && Atomics.compareExchange(this.words, searcher, 0, WAKING) === 0
  }

  wakeFailed(): void {
    Atomics.compareExchange(this.words, this.#base + SEARCHER, WAKING, 0)
  }

  // ------------------------------------------------------------------------------------------------ a worker's side

  /** A slot that is now this worker's, or -1. */
  take(worker: number): number {
    const { words } = this
    for (;;) {
      const head = Atomics.load(words, this.#base + HEAD)
      if (head === Atomics.load(words, this.#base + TAIL)) return -1
      const slot = words[this.#base + HEADER_WORDS + (head & MASK)]
      const state = this.slot(slot) + STATE
      const isMine = Atomics.compareExchange(words, state, READY, TAKEN | (worker << 8)) === READY
      Atomics.compareExchange(words, this.#base + HEAD, head, (head + 1) | 0)
      if (isMine) return slot
    }
  }

  finish(slot: number, worker: number): void {
    const { words } = this
    const base = this.#worker(worker)
    Atomics.store(words, this.slot(slot) + STATE, DONE | (worker << 8))
    const tail = words[base + DONE_TAIL]
    words[base + WORKER_WORDS + (tail & MASK)] = slot
    Atomics.store(words, base + DONE_TAIL, (tail + 1) | 0)
  }

  /** True: this worker is the one that may spin, until `endSearch`. */
  beginSearch(worker: number): boolean {
    const searcher = this.#base + SEARCHER
    return Atomics.compareExchange(this.words, searcher, 0, worker + 1) === 0
  }

  endSearch(worker: number): void {
    Atomics.compareExchange(this.words, this.#base + SEARCHER, worker + 1, 0)
  }

  hasPermit(worker: number): boolean {
    return Atomics.load(this.words, this.#worker(worker) + PERMIT) !== 0
  }

  /** Where a worker without a permit waits for it. */
  permitAt(worker: number): number {
    return this.signalAt + (this.#worker(worker) + PERMIT - this.#base - SIGNAL) * 4
  }

  tellNews(): void {
    Atomics.add(this.words, this.#base + NEWS, 1)
  }

  get hasReady(): boolean {
    return Atomics.load(this.words, this.#base + HEAD) !== Atomics.load(this.words, this.#base + TAIL)
  }

  get signal(): number {
    return Atomics.load(this.words, this.#base + SIGNAL)
  }

  get isClosing(): boolean {
    return Atomics.load(this.words, this.#base + CLOSING) !== 0
  }

  setWorkerStatus(worker: number, status: number): void {
    Atomics.store(this.words, this.#worker(worker) + STATUS, status)
  }

  setWorkerReason(worker: number, block: number, length: number): void {
    this.words[this.#worker(worker) + REASON_BLOCK] = block
    this.words[this.#worker(worker) + REASON_LENGTH] = length
  }

  #worker(worker: number): number {
    return this.#workers + worker * (WORKER_WORDS + SLOT_COUNT)
  }
}
