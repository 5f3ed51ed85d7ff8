/**
 * Waiting in the event loop, without polling it. What may bring something (a pool's results, parked waiters) is a
 * source. The word ASLEEP of this process, in the process table, says whether others must ring:
 *
 *     0  awake    this process will look at its sources by itself; wakers only write what they bring
 *     1  asleep   the waker that changes it to 0, by compare-and-exchange, rings the doorbell, once
 *     2  blocked  its thread stands still, in `block`: the waker that changes it to 0 wakes it by the futex on this word
 *
 * A waker writes first and looks at ASLEEP after; the sleeper sets ASLEEP first and looks at its sources after, once
 * more. Both orders are sequentially consistent, so one of the two sees the other, and nothing is missed.
 *
 * Before it sleeps, a process that waits for something spins over a few turns of its event loop, as long as that has
 * paid lately: a wake-up through the kernel costs some 30 µs each way. Timers and I/O run between the turns.
 */
import type { Memory } from '../arena/memory.ts'
import type { OwnerId, ProcessTable } from '../arena/process-table.ts'
import type { Bell, Bells } from '../members/platform.ts'
import { type Descriptor, pollDescriptors, readNow } from '../os/sockets.ts' // lazy
import { clearInterval, MOST_SPINS, monotonicMs, setImmediate, setInterval, setTimeout } from '../os/time.ts'
import type { Seats } from './seats.ts'

export interface Source {
  /** Takes what has come; true when there was something. Must not run user code. */
  poll(): boolean
}

/** One turn of the event loop spins this long at the most, in milliseconds, so that I/O goes on. */
const TURN_MS = 0.02
/** A spin without result ends after so many milliseconds. */
const SPIN_MS = 0.1
/** Spins without result, after which spinning is only tried now and then. */
const PATIENCE = 4
const RETRY_EVERY = 64
const RING_AGAIN_MS = 5
/** A process that waits looks at its sources so often even if nobody rings, in milliseconds: its bell may be out of others' reach. */
const LISTEN_MS = 500
/** The same once it has found something that nobody had rung for so many times in a row. */
const DEAF_MS = 5
const DEAF_AFTER = 2
/** Where a bell is no descriptor, one that waits for descriptors too looks at its sources so often, in milliseconds. */
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
  /** Of the event loop, since then. */
  #turns = 0
  #patience = PATIENCE
  #refused = 0
  #listener: NodeJS.Timeout | undefined
  /** How often it has found something since the bell rang last. */
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
    // It may have something already, that was written while this process was not asleep and rang nobody.
    this.#schedule()
  }

  remove(source: Source): void {
    const index = this.#sources.indexOf(source)
    if (index >= 0) this.#sources.splice(index, 1)
  }

  /** Something is waited for: the process stays alive until as many `release()` calls have come. */
  hold(): void {
    // A watch that keeps nothing alive gives its hold back early: below 0 nothing is waited for yet.
    if (this.#holds++ !== 0) return
    this.#bell?.ref()
    this.#listener ??= setInterval(this.#listen, LISTEN_MS).unref()
  }

  release(): void {
    if (--this.#holds === 0) this.#bell?.unref()
  }

  /** Whether nothing that this process waits for keeps it alive. */
  get isIdle(): boolean {
    return this.#holds === 0
  }

  /** Work was handed out whose answer may come within microseconds: look for it, if looking has paid lately. */
  stir(): void {
    if (this.#isScheduled || !this.#maySpin()) return
    Atomics.store(this.#words, this.#asleep, AWAKE)
    this.#spinSince = 0
    this.#schedule()
  }

  /**
   * Blocks this thread until a source had something, for so many milliseconds at the most; it spins for a moment first.
   * May return early. The event loop takes over again when this thread comes back to it.
   * @param others descriptors that may have something, too
   */
  block(timeout: number, others: readonly Descriptor[] = []): void {
    const end = monotonicMs() + timeout
    if (this.#maySpin() && this.#seats.take()) {
      const spinEnd = Math.min(end, monotonicMs() + SPIN_MS)
      let isFound = false
      let looks = 0
      do {
        for (let i = 0; i < 16 && !isFound; i++) isFound = this.#poll()
      } while (!isFound && ++looks < MOST_SPINS && monotonicMs() < spinEnd)
      this.#seats.leave()
      this.#patience = isFound ? PATIENCE : this.#patience - 1
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

  /** As one that sleeps in the event loop, which is woken by its bell. */
  #blockAlso(others: readonly Descriptor[], end: number): void {
    const bell = this.#bells.descriptor()
    const left = Math.max(0, end - monotonicMs())
    Atomics.store(this.#words, this.#asleep, ASLEEP)
    if (!this.#poll()) {
      // Rings of before: the event loop, which would read them, stands still.
      if (bell >= 0) while (readNow(bell, RINGS) > 0);
      if (bell < 0) pollDescriptors(others, Math.min(left, LOOK_EVERY_MS))
      else if (Atomics.load(this.#words, this.#asleep) === ASLEEP) pollDescriptors([{ fd: bell }, ...others], left)
    }
    Atomics.store(this.#words, this.#asleep, AWAKE)
    this.#poll()
    this.#schedule()
  }

  /** Others call this after they have written what `owner` waits for. */
  ring(owner: OwnerId): void {
    const asleep = this.#table.asleepWord(owner)
    const state = Atomics.load(this.#words, asleep)
    if (state === AWAKE || Atomics.compareExchange(this.#words, asleep, state, AWAKE) !== state) return
    if (state === BLOCKED) {
      this.#memory.wake(asleep * 4, 1)
      return
    }
    if (this.#bells.ring(owner)) return
    // No file descriptor may be left just now. It still sleeps: others may ring it, and so may this process, soon.
    Atomics.compareExchange(this.#words, asleep, AWAKE, ASLEEP)
    setTimeout(() => this.ring(owner), RING_AGAIN_MS)
  }

  /** After a death: the dead one may have set ASLEEP to 0, and not have come to ring. */
  ringAnyway(owner: OwnerId): void {
    if (owner === this.#self) this.#schedule()
    else if (this.#table.hasBell(owner)) {
      const asleep = this.#table.asleepWord(owner)
      if (Atomics.exchange(this.#words, asleep, AWAKE) === BLOCKED) this.#memory.wake(asleep * 4, 1)
      this.#bells.ring(owner)
    }
  }

  /** Opens the bell of one that will be rung, while there are file descriptors to be had. */
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

  /** The bell may not be heard: /proc is not mounted, or others run as another user. */
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
      // What a source could not take it will be asked for again, as long as this process goes on.
      this.#seats.leave()
      this.#schedule()
      throw error
    }
  }

  #look(): void {
    if (this.#poll()) {
      this.#spinSince = 0
      this.#schedule()
    } else if (this.#holds > 0 && this.#maySpin() && this.#seats.take()) {
      this.#spin()
      this.#seats.leave()
    } else {
      this.#sleep()
    }
  }

  /** Asked each time that it could: one that has lost patience tries again now and then. */
  #maySpin(): boolean {
    if (this.#patience <= 0 && ++this.#refused % RETRY_EVERY === 0) this.#patience = 1
    return this.#patience > 0
  }

  #spin(): void {
    const begin = monotonicMs()
    if (this.#spinSince === 0) {
      this.#spinSince = begin
      this.#turns = 0
    }
    let now = begin
    let looks = 0
    do {
      for (let i = 0; i < 16; i++) {
        if (!this.#poll()) continue
        this.#patience = PATIENCE
        this.#spinSince = 0
        this.#schedule()
        return
      }
      now = monotonicMs()
    } while (++looks < MOST_SPINS && now - begin < TURN_MS)
    if (++this.#turns < MOST_SPINS && now - this.#spinSince < SPIN_MS) {
      this.#schedule()
    } else {
      this.#patience--
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

  #poll(): boolean {
    let isAny = false
    for (const source of this.#sources) if (source.poll()) isAny = true
    return isAny
  }
}
