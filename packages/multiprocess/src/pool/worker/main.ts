/**
 * A pool's worker: takes tasks from the queue that all share, one at a time, and rests when there are none.
 *
 * Resting is done in steps, since each next one costs more to come back from: it spins for a moment, if no other worker
 * does and it has paid lately; lets its event loop turn once; and then sleeps. It sleeps in the futex, which freezes its
 * event loop, only when nothing could happen there: no task under way, no timer, no socket. Otherwise it sleeps in the
 * event loop and is woken by its doorbell.
 */
import { decode } from '../../codec/decode.ts' // lazy
import { importRequired, Pending } from '../../codec/receive.ts'
import { ValueError } from '../../errors.ts'
import { UNIT } from '../../ground/arena/layout.ts'
import { currentFamily, type Family } from '../../ground/family.ts' // lazy
import { MOST_SPINS, monotonicMs, setImmediate } from '../../ground/os/time.ts'
import { SimplePatience, spin } from '../../ground/waiting/spinning.ts'
import { receivedTarget } from '../../process/received-target.ts'
import { type Block, Messages } from '../shared/message.ts'
import { isChunk, isPromise, kindOf, MAY_STOP, type Runnable, runKind, TRACED } from '../shared/task-kinds.ts'
import {
  ANNOUNCED,
  CONTROLLED,
  FLAGS,
  FUNCTION,
  FUNCTION_BLOCK,
  FUNCTION_LENGTH,
  IS_ERROR,
  KIND,
  OBSERVED,
  TaskTable,
  WORKER_FAILED,
  WORKER_READY,
  WORKER_RETIRED,
  WORKER_STANDBY
} from '../shared/task-table.ts'
import { wakeOne } from '../shared/wake.ts'
import type { WorkerTimes } from '../shared/worker-times.ts'
import { ChunkWatch } from './chunk-watch.ts'
import type { WorkerOptions } from './options.ts'
import { Retirement } from './retirement.ts'
import { substitute, substituteError } from './substitute.ts'
import { TaskContexts } from './task-context.ts' // lazy
import { flushSpans, runTraced } from './traced.ts'
import '../../process/sending.ts'

/** The event loop turns at least so often, in milliseconds, while one task follows the other. */
const TURN_MS = 5
const SPIN_MS = 0.05
const PATIENCE = 8
const RETRY_EVERY = 32
/** A blocked worker lets its event loop turn so often, in milliseconds: soon after a task, and then ever less. */
const MIN_SLICE_MS = 10
const MAX_SLICE_MS = 2000
/** Functions kept; one that was dropped is loaded again. */
const MOST_FUNCTIONS = 512

/** What a worker's process runs; it ends the process. */
export async function work(options: WorkerOptions): Promise<never> {
  // Ctrl-C reaches every process of the terminal; whether it ends the pool is for the pool's own process to say.
  process.on('SIGINT', () => {})
  const worker = new Worker(currentFamily(), options)
  await worker.initialize()
  if (await worker.standBy()) await worker.run()
  worker.times.setLeft(monotonicMs())
  await flushSpans()
  process.exit()
}

class Worker {
  readonly times: WorkerTimes
  readonly #family: Family
  readonly #options: WorkerOptions
  readonly #table: TaskTable
  readonly #messages: Messages
  readonly #functions = new Map<number, Runnable>()
  readonly #contexts: TaskContexts
  readonly #chunkWatch: ChunkWatch
  readonly #retirement: Retirement
  readonly #begins = new Map<number, number>()
  #underWay = 0
  #taken = 0
  readonly #patience = new SimplePatience(PATIENCE, RETRY_EVERY)
  readonly #hasReady = (): boolean => this.#table.hasReady
  #slice = MIN_SLICE_MS
  /** This worker looks for a task as soon as it has told its result, before anything else can happen in this process. */
  #isAboutToLook = false
  #isSearcher = false
  #onProgress: (() => void) | undefined

  constructor(family: Family, options: WorkerOptions) {
    this.#family = family
    this.#options = options
    this.#table = new TaskTable(family.memory, options.at, options.workers)
    this.times = this.#table.timesOf(options.index)
    this.#messages = new Messages(family, this.#table, true)
    this.#retirement = new Retirement(options, this.#table, status => this.#tell(status))
    this.#chunkWatch = new ChunkWatch(this.#table, family.lot)
    this.#contexts = new TaskContexts(this.#table, family.loop, options.concurrency)
  }

  async initialize(): Promise<void> {
    this.times.setReady(monotonicMs())
    this.#family.loop.prepare(this.#options.owner)
    const { preparation, index } = this.#options
    if (preparation !== null) {
      try {
        await importRequired(preparation)
        const { initializer, initargs } = decode(preparation) as { initializer: unknown; initargs: unknown[] }
        const initialize = await receivedTarget(initializer)
        await initialize(...initargs)
      } catch (error) {
        const { block, length, parcel } = this.#encodeError(error)
        parcel?.giveTo(this.#family, this.#options.owner)
        this.#family.arena.setOwner(block * UNIT, this.#options.owner)
        this.#table.setWorkerReason(index, block, length)
        this.#table.setWorkerStatus(index, WORKER_FAILED)
        throw error
      }
    }
    this.times.setInited(monotonicMs())
  }

  /** Until this worker may take tasks. @returns false when the pool is closed before */
  async standBy(): Promise<boolean> {
    const { index } = this.#options
    const at = this.#table.permitAt(index)
    if (!this.#table.hasPermit(index)) this.#tell(WORKER_STANDBY)
    while (!this.#table.hasPermit(index)) {
      if (this.#table.isClosing) return false
      await this.#family.lot.parkAsync(at, 0)
    }
    this.#table.setWorkerStatus(index, WORKER_READY)
    return true
  }

  /** The pool looks at what this worker's status asks for. */
  #tell(status: number): void {
    this.#table.setWorkerStatus(this.#options.index, status)
    this.#table.tellNews()
    this.#family.loop.ring(this.#options.owner)
  }

  async run(): Promise<void> {
    const { index, concurrency } = this.#options
    let lastTurn = monotonicMs()
    let sinceTurn = 0
    let hasTurned = true
    for (;;) {
      const mayTake = this.#retirement.mayTake(this.#taken)
      if (!mayTake && this.#underWay === 0) {
        this.#endSearch()
        this.#tell(WORKER_RETIRED)
        return
      }
      const isOpen = this.#underWay < concurrency && mayTake
      const signal = this.#table.signal
      const slot = isOpen ? this.#table.take(index) : -1
      if (slot >= 0) {
        hasTurned = false
        this.#endSearch()
        this.#retirement.hasTaken(++this.#taken)
        this.#slice = MIN_SLICE_MS
        this.#isAboutToLook = true
        const preparing = this.#execute(slot)
        this.#isAboutToLook = false
        if (preparing !== undefined) await preparing
        if (++sinceTurn < MOST_SPINS && monotonicMs() - lastTurn < TURN_MS) continue
      } else if (isOpen && this.#table.isClosing && this.#underWay === 0) {
        return
      } else if (isOpen && !hasTurned && this.#search()) {
        continue
      } else if (hasTurned) {
        const isWoken = await this.#sleep(isOpen, signal)
        hasTurned = false
        if (isWoken) continue
      }
      this.#endSearch()
      await new Promise(setImmediate)
      hasTurned = slot < 0
      lastTurn = monotonicMs()
      sinceTurn = 0
    }
  }

  /** Spins until there is a task, for a moment. */
  #search(): boolean {
    if (this.#underWay > 0) return false
    if (!this.#patience.maySpin() || !this.#beginSearch()) return false
    if (!this.#family.seats.take()) return false
    const isFound = spin(this.#hasReady, SPIN_MS)
    this.#family.seats.leave()
    this.#patience.spun(isFound)
    return isFound
  }

  /** From now on until `#endSearch` what comes wakes nobody. */
  #beginSearch(): boolean {
    if (!this.#isSearcher) this.#isSearcher = this.#table.beginSearch(this.#options.index)
    return this.#isSearcher
  }

  /** This worker has a task, or looks for none just now: what came meanwhile is for another one. */
  #endSearch(): void {
    if (!this.#isSearcher) return
    this.#isSearcher = false
    this.#table.endSearch(this.#options.index)
    if (this.#table.hasReady) wakeOne(this.#family, this.#table)
  }

  /** Until a task may be there, or, while others are under way, until one of them ends. False: just for a turn. */
  async #sleep(isOpen: boolean, signal: number): Promise<boolean> {
    const { lot } = this.#family
    const at = this.#table.signalAt
    if (!isOpen) {
      await new Promise<void>(resolve => {
        this.#onProgress = resolve
      })
    } else if (this.#underWay === 0 && process.getActiveResourcesInfo().length === 0) {
      // Work in libuv's threads (compression, key derivation) is not among the resources: the event loop has its turns.
      if (lot.park(at, signal, this.#slice) === 'timed-out') {
        this.#slice = Math.min(MAX_SLICE_MS, this.#slice * 2)
        return false
      }
    } else {
      const leaving = new AbortController()
      this.#onProgress = () => leaving.abort()
      await lot.parkAsync(at, signal, { signal: leaving.signal }).catch(error => {
        if (!leaving.signal.aborted) throw error
      })
    }
    this.#onProgress = undefined
    this.#passOn()
    return true
  }

  /** Woken: if there is more to do than this worker will take, another is woken too. */
  #passOn(): void {
    this.#table.wakeFailed()
    if (this.#table.readyCount > 1) wakeOne(this.#family, this.#table)
  }

  /**
   * Runs the task. A promise when modules must be imported first: until it is settled this worker takes no other task, which
   * would wait for this one if it turned out to be slow.
   */
  #execute(slot: number): Promise<void> | undefined {
    const { words } = this.#table
    const base = this.#table.slot(slot)
    if (words[base + FLAGS] !== 0) this.#begin(slot)
    const fn = this.#functions.get(words[base + FUNCTION])
    if (fn === undefined) {
      return this.#load(slot).then(
        loaded => this.#read(slot, loaded),
        error => this.#finish(slot, error, 1)
      )
    }
    return this.#read(slot, fn)
  }

  /** Writes when the task begins, for who wants to know. */
  #begin(slot: number): void {
    const flags = this.#table.words[this.#table.slot(slot) + FLAGS]
    const now = monotonicMs()
    this.#table.setStart(slot, now)
    if ((flags & OBSERVED) !== 0) this.times.begin(this.#begins.set(slot, now).size, now)
    if ((flags & ANNOUNCED) !== 0) this.#family.loop.ring(this.#options.owner)
  }

  /** Items of a chunk may have written their own begin. */
  #end(slot: number): void {
    const begin = this.#begins.get(slot)
    if (begin === undefined) return
    this.#begins.delete(slot)
    this.#table.setStart(slot, begin)
    const now = monotonicMs()
    this.#table.setEnd(slot, now)
    this.times.end(this.#begins.size, now)
  }

  #read(slot: number, fn: Runnable): Promise<void> | undefined {
    let message: unknown
    try {
      message = this.#messages.read(slot, true)
    } catch (error) {
      this.#finish(slot, error, 1)
      return
    }
    if (message instanceof Pending) {
      return message.promise.then(
        later => this.#call(slot, fn, later as unknown[]),
        error => this.#finish(slot, error, 1)
      )
    }
    this.#call(slot, fn, message as unknown[])
  }

  #call(slot: number, fn: Runnable, message: unknown[]): void {
    const contexts = this.#contexts
    const kind = this.#table.words[this.#table.slot(slot) + KIND]
    let result: unknown
    contexts.slot = slot
    try {
      if (kind < TRACED) result = this.#run(slot, kind, fn, message)
      else result = runTraced(kind, message, this.#table.id(slot), plain => this.#run(slot, plain, fn, message))
      if (isPromise(result)) {
        this.#await(slot, result)
        return
      }
    } catch (error) {
      this.#finish(slot, error, 1)
      return
    } finally {
      contexts.slot = -1
    }
    this.#finish(slot, result, 0)
  }

  #run(slot: number, kind: number, fn: Runnable, message: unknown[]): unknown {
    if (this.#contexts.isNeeded(slot)) return this.#contexts.run(slot, () => this.#runSteps(slot, kind, fn, message))
    return kind >= MAY_STOP ? this.#runSteps(slot, kind, fn, message) : runKind(kind, fn, message)
  }

  /** With the begin of each item in the slot, for what has to be stopped in time; and an eye on those that have nothing to do. */
  #runSteps(slot: number, kind: number, fn: Runnable, message: unknown[]): unknown {
    const flags = this.#table.words[this.#table.slot(slot) + FLAGS]
    this.#chunkWatch.begin()
    return runKind(kind, fn, message, {
      onItem: (flags & CONTROLLED) !== 0 ? () => this.#table.setStart(slot, monotonicMs()) : undefined,
      itemsUntilLook: kind >= MAY_STOP && this.#options.concurrency === 1 ? this.#chunkWatch.look : undefined
    })
  }

  #await(slot: number, result: PromiseLike<unknown>): void {
    const settled = Promise.resolve(result)
    this.#underWay++
    if (this.#options.concurrency === 1) this.#contexts.awaited = slot
    settled.then(
      value => this.#finishLater(slot, value, 0),
      error => this.#finishLater(slot, error, 1)
    )
  }

  async #load(slot: number): Promise<Runnable> {
    const { words } = this.#table
    const base = this.#table.slot(slot)
    const id = words[base + FUNCTION]
    const read = this.#messages.readBlock(words[base + FUNCTION_BLOCK] >>> 0, words[base + FUNCTION_LENGTH])
    const loaded = await receivedTarget(read instanceof Pending ? await read.promise : read)
    // Functions with what they captured come anew for each map.
    if (this.#functions.size >= MOST_FUNCTIONS)
      for (const oldest of this.#functions.keys()) if (this.#functions.delete(oldest)) break
    this.#functions.set(id, loaded)
    return loaded
  }

  #finishLater(slot: number, value: unknown, isError: number): void {
    this.#underWay--
    this.#contexts.awaited = -1
    this.#finish(slot, value, isError)
    this.#onProgress?.()
  }

  #finish(slot: number, value: unknown, isError: number): void {
    const { words } = this.#table
    if (this.#contexts.count > 0) this.#contexts.leave(slot)
    if (isError === 0 && isChunk(kindOf(words[this.#table.slot(slot) + KIND]))) this.#messages.row = value
    try {
      this.#messages.write(slot, value, isError === 1 ? 'the error' : 'the result')
    } catch (error) {
      isError = this.#writeInstead(slot, value, error, isError === 1)
    }
    if ((words[this.#table.slot(slot) + FLAGS] & OBSERVED) !== 0) this.#end(slot)
    words[this.#table.slot(slot) + IS_ERROR] = isError
    this.#messages.handOver(slot, this.#options.owner)
    // The answer to this result may be a task, and come within a microsecond: nobody has to be woken for it.
    if (this.#isAboutToLook && this.#underWay === 0 && !this.#table.hasReady) this.#beginSearch()
    this.#table.finish(slot, this.#options.index)
    this.#family.loop.ring(this.#options.owner)
  }

  #writeInstead(slot: number, value: unknown, reason: unknown, isThrown: boolean): number {
    try {
      const instead = substitute(kindOf(this.#table.words[this.#table.slot(slot) + KIND]), value, reason, isThrown)
      this.#messages.write(slot, instead.value, 'the error')
      return instead.isError
    } catch (error) {
      this.#messages.write(slot, new ValueError(`what the task answered cannot cross: ${error}`), 'the error')
      return 1
    }
  }

  #encodeError(error: unknown): Block {
    try {
      return this.#messages.block(error, 'the error')
    } catch (reason) {
      return this.#messages.block(substituteError(error, reason), 'the error')
    }
  }
}
