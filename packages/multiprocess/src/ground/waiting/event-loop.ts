/**
 * Waiting in the event loop without polling. A source may bring something: a pool's results, parked waiters. The word ASLEEP of this
 * process, in the process table, says whether other processes must ring:
 *
 *     0  awake    this process will look at its sources by itself; wakers only write what they bring
 *     1  asleep   the waker that changes the word to 0, by compare-and-exchange, rings the doorbell once
 *     2  blocked  the thread is blocked in `block`: the waker that changes the word to 0 wakes it by the futex on this word
 *
 * A waker writes first and then looks at ASLEEP; the sleeper sets ASLEEP first and then looks at its sources once more. Both orders are
 * sequentially consistent, so one of the two sees the other, and no wake-up is missed.
 *
 * Before it sleeps, a process that waits for something spins over a few turns of its event loop, as long as spinning has paid lately: a
 * wake-up through the kernel costs some 30 µs each way. Timers and I/O run between the turns.
 */
import type { Memory } from '../arena/memory.ts'
import type { OwnerId, ProcessTable } from '../arena/process-table.ts'
import type { Bell, Bells } from '../members/platform.ts'
import { type Descriptor, pollDescriptors, readNow } from '../os/sockets.ts' // lazy
import { clearInterval, MOST_SPINS, monotonicMs, setImmediate, setInterval, setTimeout } from '../os/time.ts'
import type { Seats } from './seats.ts'
import { SimplePatience, SPIN_MS, spin } from './spinning.ts'

export interface Source {
  /** Takes what has arrived, and returns true if there was something. Must not run user code. */
  poll(): boolean
}

/** How long one turn of the event loop may spin, in milliseconds, so that I/O goes on. */
const TURN_MS = 0.02
/** After this many vain spins the event loop only spins now and then. */
const PATIENCE = 4
const RETRY_EVERY = 64
const RING_AGAIN_MS = 5
/** How often a waiting process looks at its sources though no process rings, in milliseconds: others may not reach its bell. */
const LISTEN_MS = 500
/** How often it looks after it has found, DEAF_AFTER times in a row, something that no process had rung for. */
const DEAF_MS = 5
const DEAF_AFTER = 2
/** How often a process that waits for descriptors, too, looks at its sources if its bell is not a descriptor, in milliseconds. */
const LOOK_EVERY_MS = 1
const RINGS = new Uint8Array(64)

const AWAKE = 0
const ASLEEP = 1
const BLOCKED = 2

export class EventLoop {
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #table: ProcessTable
  readonly #self: OwnerId
  readonly #seats: Seats
  readonly #bells: Bells
  readonly #sources: Source[] = []
  readonly #asleep: number
  #bell: Bell | undefined
  #holds = 0
  #isScheduled = false
  #spinSince = 0
  /** The turns of the event loop since then. */
  #turns = 0
  readonly #patience = new SimplePatience(PATIENCE, RETRY_EVERY)
  #listener: NodeJS.Timeout | undefined
  /** How many times it has found something since the bell last rang. */
  #unrung = 0

  constructor(memory: Memory, table: ProcessTable, self: OwnerId, seats: Seats, bells: Bells) {
    this.#memory = memory
    this.#words = memory.first.words
    this.#table = table
    this.#self = self
    this.#seats = seats
    this.#bells = bells
    this.#asleep = table.asleepWord(self)
  }

  add(source: Source): void {
    if (this.#bell === undefined) {
      this.#bell = this.#bells.open(this.#self, () => this.#wake())
      Atomics.store(this.#words, this.#asleep, ASLEEP)
    }
    this.#sources.push(source)
    // The source may have something already, written while this process was awake, so that no process rang.
    this.#schedule()
  }

  remove(source: Source): void {
    const index = this.#sources.indexOf(source)
    if (index >= 0) this.#sources.splice(index, 1)
  }

  /** Keeps the process alive until `release()` was called as many times. */
  hold(): void {
    // A watch that keeps nothing alive returns its hold early: below 0 the process waits for nothing yet.
    if (this.#holds++ !== 0) return
    this.#bell?.ref()
    this.#listener ??= setInterval(this.#listen, LISTEN_MS).unref()
  }

  release(): void {
    if (--this.#holds === 0) this.#bell?.unref()
  }

  /** True if no wait keeps this process alive. */
  get isIdle(): boolean {
    return this.#holds === 0
  }

  /** Spins, if that has paid lately: work was handed out whose answer may arrive within microseconds. */
  stir(): void {
    if (this.#isScheduled || !this.#patience.maySpin()) return
    Atomics.store(this.#words, this.#asleep, AWAKE)
    this.#spinSince = 0
    this.#schedule()
  }

  /**
   * Blocks this thread until a source has something, for at most `timeout` milliseconds. It spins for a moment first, and may return
   * early. The event loop takes over again when this thread comes back to it.
   * @param others descriptors that may have something, too
   */
  block(timeout: number, others: readonly Descriptor[] = []): void {
    const end = monotonicMs() + timeout
    if (this.#patience.maySpin() && this.#seats.take()) {
      const isFound = spin(this.#poll, Math.min(timeout, SPIN_MS))
      this.#seats.leave()
      this.#patience.spun(isFound)
      if (isFound) return
    }
    if (others.length > 0) {
      this.#blockAlso(others, end)
      return
    }
    Atomics.store(this.#words, this.#asleep, BLOCKED)
    if (!this.#poll()) this.#memory.wait(this.#asleep * 4, BLOCKED, Math.max(0, end - monotonicMs()))
    Atomics.store(this.#words, this.#asleep, AWAKE)
    this.#poll()
    this.#schedule()
  }

  /** Blocks as a process that sleeps in its event loop, and is woken by its bell. */
  #blockAlso(others: readonly Descriptor[], end: number): void {
    const bell = this.#bells.descriptor()
    const left = Math.max(0, end - monotonicMs())
    Atomics.store(this.#words, this.#asleep, ASLEEP)
    if (!this.#poll()) {
      // These are earlier rings: the event loop, which would read them, is blocked.
      if (bell >= 0) while (readNow(bell, RINGS) > 0);
      if (bell < 0) pollDescriptors(others, Math.min(left, LOOK_EVERY_MS))
      else if (Atomics.load(this.#words, this.#asleep) === ASLEEP) pollDescriptors([{ fd: bell }, ...others], left)
    }
    Atomics.store(this.#words, this.#asleep, AWAKE)
    this.#poll()
    this.#schedule()
  }

  /** Wakes `owner`. To be called after writing what it waits for. */
  ring(owner: OwnerId): void {
    const asleep = this.#table.asleepWord(owner)
    const state = Atomics.load(this.#words, asleep)
    if (state === AWAKE || Atomics.compareExchange(this.#words, asleep, state, AWAKE) !== state) return
    if (state === BLOCKED) {
      this.#memory.wake(asleep * 4, 1)
      return
    }
    if (this.#bells.ring(owner)) return
    // There may be no free file descriptor at the moment. The owner still sleeps: other processes may ring it, and this one will soon.
    Atomics.compareExchange(this.#words, asleep, AWAKE, ASLEEP)
    setTimeout(() => this.ring(owner), RING_AGAIN_MS)
  }

  /** Wakes `owner` after a death: the dead process may have set ASLEEP to 0 without ringing. */
  ringAnyway(owner: OwnerId): void {
    if (owner === this.#self) this.#schedule()
    else if (this.#table.hasBell(owner)) {
      const asleep = this.#table.asleepWord(owner)
      if (Atomics.exchange(this.#words, asleep, AWAKE) === BLOCKED) this.#memory.wake(asleep * 4, 1)
      this.#bells.ring(owner)
    }
  }

  /** Opens the bell of a process that will be rung, while there are free file descriptors. */
  prepare(owner: OwnerId): void {
    this.#bells.ring(owner)
  }

  forget(owner: OwnerId): void {
    this.#bells.forget(owner)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  /** Looks though no process rings: others cannot ring without /proc, or if they run as another user. */
  readonly #listen = (): void => {
    if (this.#holds === 0) {
      clearInterval(this.#listener)
      this.#listener = undefined
      return
    }
    if (Atomics.load(this.#words, this.#asleep) === AWAKE && this.#isScheduled) return
    if (!this.#poll()) return
    Atomics.store(this.#words, this.#asleep, AWAKE)
    this.#schedule()
    if (++this.#unrung !== DEAF_AFTER) return
    clearInterval(this.#listener)
    this.#listener = setInterval(this.#listen, DEAF_MS).unref()
  }

  #wake(): void {
    this.#unrung = 0
    this.#spinSince = 0
    if (!this.#isScheduled) this.#turn()
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    try {
      this.#look()
    } catch (error) {
      // The source will be asked again for what it could not take, as long as this process lives.
      this.#seats.leave()
      this.#schedule()
      throw error
    }
  }

  #look(): void {
    if (this.#poll()) {
      this.#spinSince = 0
      this.#schedule()
    } else if (this.#holds > 0 && this.#patience.maySpin() && this.#seats.take()) {
      this.#spin()
      this.#seats.leave()
    } else {
      this.#sleep()
    }
  }

  #spin(): void {
    const begin = monotonicMs()
    if (this.#spinSince === 0) {
      this.#spinSince = begin
      this.#turns = 0
    }
    if (spin(this.#poll, TURN_MS)) {
      this.#patience.spun(true)
      this.#spinSince = 0
      this.#schedule()
    } else if (++this.#turns < MOST_SPINS && monotonicMs() - this.#spinSince < SPIN_MS) {
      this.#schedule()
    } else {
      this.#patience.spun(false)
      this.#sleep()
    }
  }

  #sleep(): void {
    Atomics.store(this.#words, this.#asleep, ASLEEP)
    if (this.#poll()) {
      Atomics.store(this.#words, this.#asleep, AWAKE)
      this.#schedule()
    }
  }

  readonly #poll = (): boolean => {
    let isAny = false
    for (const source of this.#sources) if (source.poll()) isAny = true
    return isAny
  }
}
