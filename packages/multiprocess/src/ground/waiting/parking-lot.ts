/**
 * Sleeping on any word of the arena, and waking its sleepers: threads that block and event loops that do not, of any process, in the
 * order of their arrival (as WebKit's ParkingLot and Rust's parking_lot do).
 *
 * A word hashes to a bucket. A bucket is a lock, a count, and a list of nodes, each a small block of its sleeper's process:
 *
 *     NEXT | WINDOW, WORD parked on | OWNER | STATE waiting → notified → released | KIND blocked or in the event loop |
 *     SINCE, ENDS for those who look on from outside: when the wait began (see `toWord`), and 1 if a timeout ends it
 *
 * Parking: under the bucket's lock, the sleeper raises the count, looks at the word once more, and puts its node at the end. Unparking: the
 * caller has changed the word. A count of 0 means that every sleeper has yet to look at the word. Otherwise, under the lock, the caller
 * marks a node as notified, takes it out, marks it as released, and wakes its process. A death in between leaves a node that is still in
 * the list (it will be woken again), or one that is notified: a blocked sleeper looks at its node once a second. A sleeper uses its node
 * again only once it is released, or after making sure, under the lock, that the node is in no list. A process that takes a bucket from a
 * dead holder wakes all its sleepers: a wake-up too many is allowed everywhere, a lost one nowhere.
 */
import type { Arena } from '../arena/arena.ts'
import { BUCKET_BYTES, BUCKET_COUNT, BUCKETS_AT, UNIT, WINDOW_BYTES } from '../arena/layout.ts'
import { type Memory, windowIndex } from '../arena/memory.ts'
import type { OwnerId } from '../arena/process-table.ts'
import { WordLock } from '../arena/word-lock.ts'
import { monotonicMs, toWord } from '../os/time.ts'
import { startTimer } from '../os/timer.ts'
import type { EventLoop, Source } from './event-loop.ts'

const COUNT = 1
const HEAD = 2
const TAIL = 3
/** 1: a holder died, and the bucket must be repaired before it is used. */
const IS_BROKEN = 4

const NEXT = 0
const WINDOW = 4
const WORD = 8
const OWNER = 12
const STATE = 16
const KIND = 20
const SINCE = 24
const ENDS = 28
const NODE_BYTES = 32

const WAITING = 1
const NOTIFIED = 2
const RELEASED = 3
const BLOCKED = 0
const IN_EVENT_LOOP = 1

const SLICE_MS = 1000

/** Where that stands in a node, for those who look on from outside. */
export const NODE = { NEXT, WINDOW, WORD, OWNER, STATE, KIND, SINCE, ENDS, NODE_BYTES, WAITING, BLOCKED, HEAD } as const

/** When a wait that is cut into several sleeps began, and whether a timeout ends it. */
export interface Whole {
  readonly since: number
  readonly ends: boolean
}

export type ParkResult = 'woken' | 'changed' | 'timed-out'

interface Sleeper {
  readonly at: number
  readonly node: number
  readonly settle: (result: ParkResult) => void
}

export class ParkingLot implements Source {
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #arena: Arena
  readonly #loop: EventLoop
  readonly #self: OwnerId
  readonly #isAlive: (owner: OwnerId) => boolean
  readonly #locks: WordLock[] = []
  readonly #sleepers = new Set<Sleeper>()
  readonly #spareNodes: number[] = []

  constructor(memory: Memory, arena: Arena, loop: EventLoop, self: OwnerId, isAlive: (owner: OwnerId) => boolean) {
    this.#memory = memory
    this.#words = memory.first.words
    this.#arena = arena
    this.#loop = loop
    this.#self = self
    this.#isAlive = isAlive
  }

  /** Returns true if a sleeper may sleep on the word. To be called after the word was changed. */
  hasSleepers(at: number): boolean {
    return Atomics.load(this.#words, this.#word(this.#bucketOf(at)) + COUNT) !== 0
  }

  /** Returns the place, in the first window, of the count that `hasSleepers` reads, for callers that ask often. */
  countAt(at: number): number {
    return (this.#word(this.#bucketOf(at)) + COUNT) * 4
  }

  /**
   * Blocks this thread until the word is unparked. May return early, as 'woken'.
   * @param timeout milliseconds, or Infinity
   * @param over the place of another word that must be 0, too
   * @param whole left out: this sleep is the whole wait
   */
  park(at: number, expected: number, timeout = Number.POSITIVE_INFINITY, over?: number, whole?: Whole): ParkResult {
    const node = this.#enqueue(at, expected, BLOCKED, over, whole)
    if (node === 0) return 'changed'
    const end = monotonicMs() + timeout
    let left = timeout
    while (this.#state(node) === WAITING && left > 0) {
      this.#memory.wait(node + STATE, WAITING, Math.min(left, SLICE_MS))
      left = end - monotonicMs()
    }
    return this.#leave(at, node) ? 'timed-out' : 'woken'
  }

  /** Sleeps in the event loop and keeps the process alive meanwhile. Rejects with the signal's reason if that is aborted. */
  parkAsync(
    at: number,
    expected: number,
    options: { timeout?: number; signal?: AbortSignal; over?: number; whole?: Whole } = {}
  ): Promise<ParkResult> {
    const { timeout, signal, over, whole } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const node = this.#enqueue(at, expected, IN_EVENT_LOOP, over, whole)
      if (node === 0) return resolve('changed')
      const onAbort = () => end(() => reject(signal?.reason))
      const end = (answer: () => void) => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
        this.#forget(sleeper)
        const wasIn = this.#leave(at, node)
        // If it is woken and aborted at once, the wake-up belongs to the next sleeper.
        if (signal?.aborted && !wasIn) this.unpark(at, 1)
        answer()
      }
      const sleeper: Sleeper = { at, node, settle: result => end(() => resolve(result)) }
      this.#remember(sleeper)
      const stopTimer = startTimer(
        () => sleeper.settle(this.#state(node) === WAITING ? 'timed-out' : 'woken'),
        timeout ?? Number.POSITIVE_INFINITY
      )
      signal?.addEventListener('abort', onAbort)
    })
  }

  /**
   * Wakes up to `count` sleepers of the word, those first that came first.
   * @returns the number of sleepers woken
   */
  unpark(at: number, count = Number.POSITIVE_INFINITY): number {
    const bucket = this.#bucketOf(at)
    if (Atomics.load(this.#words, this.#word(bucket) + COUNT) === 0) return 0
    return this.#exclusive(bucket, () => this.#notify(bucket, this.#sleepsAt(at), count))
  }

  /**
   * Wakes one sleeper, if any will do: the first blocked one, which will run at once. If no sleeper is blocked, wakes all that sleep in
   * their event loops, since each of these may be busy.
   * @returns true if a blocked sleeper was woken
   */
  unparkReadiest(at: number): boolean {
    const bucket = this.#bucketOf(at)
    if (Atomics.load(this.#words, this.#word(bucket) + COUNT) === 0) return false
    const sleepsThere = this.#sleepsAt(at)
    return this.#exclusive(bucket, () => {
      const isBlocked = (node: number) => sleepsThere(node) && this.#memory.get(node + KIND) === BLOCKED
      if (this.#notify(bucket, isBlocked, 1) > 0) return true
      this.#notify(bucket, sleepsThere)
      return false
    })
  }

  #sleepsAt(at: number): (node: number) => boolean {
    const window = windowIndex(at)
    const word = (at % WINDOW_BYTES) >> 2
    return node => this.#memory.get(node + WORD) === word && this.#memory.get(node + WINDOW) === window
  }

  /**
   * Takes the nodes of a dead process out, and wakes all other sleepers, so that they look again at what they wait for: the dead process
   * may have been about to wake them, or may have been woken in their place.
   */
  purge(owner: OwnerId): void {
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      if (Atomics.load(this.#words, this.#word(bucket) + COUNT) === 0) continue
      this.#exclusive(bucket, () => {
        this.#remove(bucket, node => this.#memory.get(node + OWNER) === owner)
        this.#notify(bucket, () => true)
      })
    }
  }

  /** Wakes all sleepers, so that they look again at what they wait for. */
  wakeAll(): void {
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      if (Atomics.load(this.#words, this.#word(bucket) + COUNT) === 0) continue
      this.#exclusive(bucket, () => this.#notify(bucket, () => true))
    }
  }

  poll(): boolean {
    let isAny = false
    for (const sleeper of this.#sleepers) {
      if (this.#state(sleeper.node) === WAITING) continue
      isAny = true
      sleeper.settle('woken')
    }
    return isAny
  }

  /** Returns the node; 0: the word has changed. */
  #enqueue(at: number, expected: number, kind: number, over: number | undefined, whole: Whole | undefined): number {
    const bucket = this.#bucketOf(at)
    const base = this.#word(bucket)
    const node = this.#spareNodes.pop() ?? this.#arena.allocate(NODE_BYTES)
    const isParked = this.#exclusive(bucket, () => {
      Atomics.add(this.#words, base + COUNT, 1)
      if (this.#load(at) !== expected || (over !== undefined && this.#load(over) !== 0)) {
        Atomics.sub(this.#words, base + COUNT, 1)
        return false
      }
      this.#memory.set(node + NEXT, 0)
      this.#memory.set(node + WINDOW, windowIndex(at))
      this.#memory.set(node + WORD, (at % WINDOW_BYTES) >> 2)
      this.#memory.set(node + OWNER, this.#self)
      this.#memory.set(node + STATE, WAITING)
      this.#memory.set(node + KIND, kind)
      this.#memory.set(node + SINCE, toWord(whole?.since ?? monotonicMs()))
      this.#memory.set(node + ENDS, whole?.ends === true ? 1 : 0)
      const tail = this.#words[base + TAIL]
      if (tail !== 0) this.#memory.set(tail * UNIT + NEXT, node / UNIT)
      else this.#words[base + HEAD] = node / UNIT
      this.#words[base + TAIL] = node / UNIT
      return true
    })
    if (isParked) return node
    this.#spareNodes.push(node)
    return 0
  }

  /** Returns true if the node was still in its list, so that it was not woken. */
  #leave(at: number, node: number): boolean {
    const bucket = this.#bucketOf(at)
    const wasIn =
      this.#state(node) !== RELEASED &&
      this.#exclusive(bucket, () => this.#remove(bucket, other => other === node) > 0) &&
      this.#state(node) === WAITING
    if (this.#spareNodes.length < 64) this.#spareNodes.push(node)
    else this.#arena.free(node)
    return wasIn
  }

  #notify(bucket: number, matches: (node: number) => boolean, limit = Number.POSITIVE_INFINITY): number {
    return this.#remove(bucket, matches, limit, node => this.#mark(node))
  }

  /** Marks a node as notified. The returned function wakes the sleeper; it is called once the node is out of its list. */
  #mark(node: number): () => void {
    const owner = this.#memory.get(node + OWNER)
    const isBlocked = this.#memory.get(node + KIND) === BLOCKED
    this.#setState(node, NOTIFIED)
    return () => {
      this.#setState(node, RELEASED)
      if (isBlocked) this.#memory.wake(node + STATE, 1)
      else this.#loop.ring(owner)
    }
  }

  #state(node: number): number {
    return this.#load(node + STATE)
  }

  #load(at: number): number {
    return Atomics.load(this.#memory.windowOf(at).words, (at % WINDOW_BYTES) >> 2)
  }

  #setState(node: number, state: number): void {
    Atomics.store(this.#memory.windowOf(node).words, ((node % WINDOW_BYTES) + STATE) >> 2, state)
  }

  /** Takes nodes out. `mark` runs before a node is taken out, and the function that it returns runs after. */
  #remove(
    bucket: number,
    matches: (node: number) => boolean,
    limit = Number.POSITIVE_INFINITY,
    mark?: (node: number) => () => void
  ): number {
    const base = this.#word(bucket)
    let removed = 0
    let previous = 0
    let unit = this.#words[base + HEAD]
    while (unit !== 0 && removed < limit) {
      const node = unit * UNIT
      const next = this.#memory.get(node + NEXT)
      if (matches(node)) {
        const after = mark?.(node)
        if (previous !== 0) this.#memory.set(previous * UNIT + NEXT, next)
        else this.#words[base + HEAD] = next
        if (next === 0) this.#words[base + TAIL] = previous
        Atomics.sub(this.#words, base + COUNT, 1)
        after?.()
        removed++
      } else {
        previous = unit
      }
      unit = next
    }
    return removed
  }

  #exclusive<R>(bucket: number, action: () => R): R {
    this.#locks[bucket] ??= new WordLock(this.#memory, BUCKETS_AT + bucket * BUCKET_BYTES, this.#self, this.#isAlive)
    const lock = this.#locks[bucket]
    const broken = this.#word(bucket) + IS_BROKEN
    if (lock.acquire()) Atomics.store(this.#words, broken, 1)
    try {
      if (this.#words[broken] !== 0) this.#recover(bucket)
      return action()
    } finally {
      lock.release()
    }
  }

  #recover(bucket: number): void {
    const base = this.#word(bucket)
    let unit = this.#words[base + HEAD]
    while (unit !== 0) {
      const node = unit * UNIT
      unit = this.#memory.get(node + NEXT)
      // The node is not released: while this list is walked, no owner may use its node again.
      this.#setState(node, NOTIFIED)
      if (this.#memory.get(node + KIND) === BLOCKED) this.#memory.wake(node + STATE, 1)
      else this.#loop.ringAnyway(this.#memory.get(node + OWNER))
    }
    this.#words[base + HEAD] = 0
    this.#words[base + TAIL] = 0
    Atomics.store(this.#words, base + COUNT, 0)
    Atomics.store(this.#words, base + IS_BROKEN, 0)
  }

  #remember(sleeper: Sleeper): void {
    if (this.#sleepers.size === 0) this.#loop.add(this)
    this.#sleepers.add(sleeper)
    this.#loop.hold()
  }

  #forget(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper)
    if (this.#sleepers.size === 0) this.#loop.remove(this)
    this.#loop.release()
  }

  #bucketOf(at: number): number {
    // Fibonacci hashing (Knuth, TAOCP vol. 3, 6.4) of the word's number.
    return Math.imul(at / 4, 0x9e3779b1) >>> 24
  }

  #word(bucket: number): number {
    return (BUCKETS_AT + bucket * BUCKET_BYTES) >> 2
  }
}
