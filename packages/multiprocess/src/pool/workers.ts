/** A pool's worker processes: started, replaced when they leave or die, ended with the pool. */

import { WORKER_REQUEST } from '../codec/values/requests.ts'
import type { Family } from '../ground/family.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { residentBytes } from '../ground/os/resident-memory.ts'
import { clearTimeout, monotonicMs, queueMicrotask, setTimeout } from '../ground/os/time.ts'
import { type Started, start } from '../process/start.ts' // lazy
import { currentIdentity, nextPath } from '../process/state.ts'
import type { Dispatcher } from './dispatcher.ts'
import {
  WORKER_FAILED,
  WORKER_FULL,
  WORKER_LEAVING,
  WORKER_READY,
  WORKER_RETIRED,
  WORKER_STANDBY,
  WORKER_STARTING
} from './shared/task-table.ts'
import { Sizing } from './sizing.ts'
import { Starting } from './starting.ts'
import type { WorkerHandles } from './supervisor.ts'

/** Workers in a row that end before they are ready, after which a pool without a ready worker gives up. */
const MAX_FAILED_STARTS = 3
/** The same for those that somebody else killed: the next may be spared. */
const MAX_KILLED_STARTS = 20
const PAUSE_MS = 100
const MAX_PAUSE_MS = 5000
/** What a terminated worker gets to end by itself. */
const KILL_AFTER_MS = 1000
const LEAVING_STATUSES = [WORKER_LEAVING, WORKER_FULL, WORKER_RETIRED]
/** A blocked thread looks for workers that have ended so often, in milliseconds. */
const LOOK_MS = 100

interface Pause {
  /** On the clock of monotonicMs(). */
  readonly due: number
  readonly timer: NodeJS.Timeout
}

export interface WorkerSettings {
  readonly method: StartMethod
  readonly at: number
  /** Workers that take tasks at once, at most. */
  readonly processes: number
  /** Workers that stay when there is nothing to do. */
  readonly minProcesses: number
  /** Milliseconds after which a worker beyond `minProcesses` ends; Infinity: there are always as many. */
  readonly idleTimeout: number
  /** More that are kept ready. */
  readonly reserve: number
  /** All that may run at once, those that leave and their successors among them. */
  readonly places: number
  readonly owner: number
  readonly concurrency: number
  /** Milliseconds. */
  readonly startTimeout: number
  readonly maxTasks: number
  readonly maxMemory: number
  readonly preparation: Uint8Array | null
}

/** One worker of a pool, as `stats` describes it. */
export interface WorkerStats {
  /** The pid of the process; of a thread, its `threadId`. */
  readonly pid: number
  /** Tasks that it has ended. A chunk of `map` or `imap` is one. */
  readonly tasks: number
  /** True while it runs a task. */
  readonly busy: boolean
  /** How often a worker in its place was replaced. */
  readonly restarts: number
  /** Bytes of resident memory; over threads those of the whole process. */
  readonly rss: number
}

export class Workers implements WorkerHandles {
  readonly #family: Family
  readonly #settings: WorkerSettings
  readonly #dispatcher: Dispatcher
  readonly #running: (Started | undefined)[] = []
  /** Starts that are due later, by the worker's place. */
  readonly #pauses = new Map<number, Pause>()
  /** The places whose workers may take tasks. */
  readonly #permits = new Set<number>()
  readonly #onBroken: (error: unknown) => void
  readonly #sizing: Sizing
  /** How many were started, by place. */
  readonly #starts: number[] = []
  readonly #starting: Starting
  #failedStarts = 0
  #killedStarts = 0
  #isEnding = false
  #nextLook = 0
  #onEnded: (() => void)[] = []

  /** @param onBroken is called when workers can't be started any more */
  constructor(family: Family, settings: WorkerSettings, dispatcher: Dispatcher, onBroken: (error: unknown) => void) {
    this.#family = family
    this.#settings = settings
    this.#starting = new Starting(family, settings.startTimeout)
    this.#dispatcher = dispatcher
    this.#onBroken = onBroken
    const { minProcesses, processes, idleTimeout } = settings
    this.#sizing = new Sizing(minProcesses, processes, idleTimeout, dispatcher.table)
    dispatcher.onPressure = () => this.#grow()
  }

  /** @throws what starting them throws; those that run then are to be terminated */
  start(): void {
    const count = this.#sizing.wanted + this.#settings.reserve
    for (let index = 0; index < count; index++) this.#start(index)
    this.#setLimit()
  }

  /** No worker is replaced any more: there is nothing left to do. */
  end(): void {
    this.#isEnding = true
    this.#dispatcher.events.insights?.end()
    this.#sizing.stop()
    for (const { timer } of this.#pauses.values()) clearTimeout(timer)
    this.#pauses.clear()
    this.#starting.end()
    this.#checkEnded()
  }

  /** SIGTERM to all. What they had is not looked at before `terminate`. */
  signalEnd(): void {
    this.#isEnding = true
    this.#dispatcher.events.insights?.end()
    this.#signal('SIGTERM')
  }

  /** SIGKILL to those that are there a second after `signalEnd`. */
  terminate(): void {
    this.end()
    if (this.#running.some(worker => worker?.isAlive())) {
      setTimeout(() => this.#signal('SIGKILL'), KILL_AFTER_MS).unref()
    }
    this.#checkEnded()
  }

  pidOf(index: number): number {
    return this.#running[index]?.pid ?? 0
  }

  /** Of those that run, or are starting. */
  get stats(): WorkerStats[] {
    const { table } = this.#dispatcher
    return [...this.#running.entries()]
      .filter(([, worker]) => worker !== undefined)
      .map(([index, worker]) => ({
        pid: this.pidOf(index),
        tasks: table.doneTail(index),
        busy: table.isBusy(index),
        restarts: (this.#starts[index] ?? 1) - 1,
        rss: this.#settings.method === 'thread' ? process.memoryUsage.rss() : residentBytes((worker as Started).pid)
      }))
  }

  /** SIGKILL to the worker in a place; a fresh one takes it. */
  kill(index: number): void {
    this.#running[index]?.kill('SIGKILL')
  }

  /** The worker in a place has something to look at. */
  ring(index: number): void {
    const worker = this.#running[index]
    if (worker !== undefined) this.#family.loop.ring(worker.id)
  }

  /** Resolves once no worker runs, and none will be started. */
  async ended(): Promise<void> {
    while (this.#live.length > 0 || this.#pauses.size > 0) {
      // Joining keeps this process alive, as its workers alone do not.
      if (this.#live.length > 0)
        await Promise.all(this.#live.map(worker => worker.join(Number.POSITIVE_INFINITY, undefined)))
      else await new Promise<void>(resolve => this.#onEnded.push(resolve))
    }
  }

  get #live(): Started[] {
    return this.#running.filter(worker => worker !== undefined)
  }

  /** More tasks are pending than the workers can have: one more is started. */
  #grow(): void {
    if (this.#isEnding || !this.#sizing.canGrow) return
    this.#sizing.wanted++
    this.#passOn()
    this.look()
    this.#setLimit()
    this.#sizing.watch(
      () => this.#permits,
      index => this.#shrink(index)
    )
  }

  /** The worker in the place ends, after the task that it may just have taken. */
  #shrink(index: number): void {
    this.#permits.delete(index)
    this.#dispatcher.table.revoke(index)
    this.#family.lot.unpark(this.#dispatcher.table.signalAt)
    this.#setLimit()
  }

  #setLimit(): void {
    const { wanted, canGrow } = this.#sizing
    this.#dispatcher.limit = canGrow ? wanted * this.#settings.concurrency : Number.POSITIVE_INFINITY
  }

  #signal(signal: NodeJS.Signals): void {
    for (const worker of this.#live) worker.kill(signal)
  }

  #start(index: number): void {
    const { at, places, owner, concurrency, maxTasks, maxMemory, idleTimeout, preparation } = this.#settings
    const mayEnd = idleTimeout !== Number.POSITIVE_INFINITY
    const path = nextPath()
    const begin = monotonicMs()
    const worker = start({
      object: this,
      method: this.#settings.method,
      name: `PoolWorker-${path.join(':')}`,
      path,
      isDaemon: true,
      isPoolWorker: true,
      role: 'worker',
      authkey: currentIdentity().authkey,
      startTimeout: Number.POSITIVE_INFINITY,
      load: {
        target: { module: WORKER_REQUEST, export: 'work' },
        subclass: null,
        args: [{ at, workers: places, index, owner, concurrency, maxTasks, maxMemory, mayEnd, preparation }],
        fields: null
      }
    })
    this.#running[index] = worker
    if (this.#permits.size < this.#sizing.wanted) this.#grant(index)
    this.#starts[index] = (this.#starts[index] ?? 0) + 1
    this.#dispatcher.table.setMember(index, worker.id)
    this.#dispatcher.table.forOthers.restarts = this.#starts.reduce((sum, starts) => sum + starts - 1, 0)
    this.#dispatcher.events.workerStarted(worker.pid, index, begin)
    this.#starting.watch(worker)
    worker.onEnd(exitcode => this.#onEnd(index, worker, exitcode))
  }

  #onEnd(index: number, worker: Started, exitcode: number): void {
    const wasLate = this.#starting.forget(worker)
    const failure = { exitcode, wasLate, why: worker.startFailure }
    const status = this.#dispatcher.table.workerStatus(index)
    const reason = this.#dispatcher.startError(index)
    const hasWorked = this.#dispatcher.table.doneTail(index) !== 0
    this.#dispatcher.events.insights?.workerEnded(index)
    const failed = this.#dispatcher.bury(index, exitcode, worker)
    this.#running[index] = undefined
    this.#dispatcher.events.workerEnded(worker.pid, exitcode)
    // One that fails right after its start, by itself, would fail again and again.
    const isReady = status === WORKER_READY || status === WORKER_STANDBY
    const isUseless = isReady && exitcode > 0 && !hasWorked && failed === 0
    if (status === WORKER_FAILED || isUseless || (status === WORKER_STARTING && exitcode >= 0) || wasLate) {
      this.#failedStarts++
      this.#starting.hasFailed(failure)
    } else if (status === WORKER_STARTING) {
      this.#killedStarts++
      this.#starting.hasFailed(failure)
    } else {
      this.#starting.hasWorked()
      this.#failedStarts = 0
      this.#killedStarts = 0
    }
    if (this.#permits.delete(index)) this.#passOn()
    if (this.#isHopeless && !this.#isEnding) {
      this.#isEnding = true
      this.#onBroken(this.#starting.failure(reason, failure))
    } else if (!this.#isEnding && this.#isShort) {
      this.#replace(index, status === WORKER_RETIRED ? 0 : this.#failedStarts)
    }
    // Not before the dead worker is reaped: it may still be among the workers that can be woken.
    queueMicrotask(() => this.#dispatcher.wake())
    this.#checkEnded()
  }

  /** Looks at what the workers' statuses ask for. */
  readonly look = (): void => {
    if (this.#isEnding) return
    const { table } = this.#dispatcher
    const statuses = this.#running.map((worker, index) => (worker === undefined ? -1 : table.workerStatus(index)))
    const hasStandby = statuses.includes(WORKER_STANDBY)
    for (const [index, status] of statuses.entries()) {
      if (status === WORKER_RETIRED && this.#permits.delete(index)) this.#passOn()
      if (status !== WORKER_FULL || !hasStandby || !table.hasPermit(index)) continue
      table.revoke(index)
      this.#family.lot.unpark(table.signalAt)
    }
    for (let index = 0; index < this.#settings.places && this.#isShort; index++) {
      if (this.#running[index] === undefined && !this.#pauses.has(index)) this.#tryStart(index)
    }
  }

  /** Whether there are fewer workers than there should be; for each that leaves there should be another. */
  get #isShort(): boolean {
    const { table } = this.#dispatcher
    const leaving = this.#running.filter((worker, index) => {
      return worker !== undefined && LEAVING_STATUSES.includes(table.workerStatus(index))
    })
    const { reserve, places } = this.#settings
    const wanted = Math.min(places, this.#sizing.wanted + reserve + leaving.length)
    return this.#live.length + this.#pauses.size < wanted
  }

  #grant(index: number): void {
    this.#permits.add(index)
    this.#dispatcher.table.grant(index)
    this.#family.lot.unpark(this.#dispatcher.table.permitAt(index))
  }

  /** One that waits gets the permit of one that has left: one that is ready, if there is one. */
  #passOn(): void {
    const { table } = this.#dispatcher
    const waiting = [...this.#running.keys()].filter(
      index => this.#running[index] !== undefined && !this.#permits.has(index)
    )
    const next =
      waiting.find(index => table.workerStatus(index) === WORKER_STANDBY) ??
      waiting.find(index => table.workerStatus(index) === WORKER_STARTING)
    if (next !== undefined) this.#grant(next)
  }

  /** At once; after workers that could not start, with a pause that grows. */
  #replace(index: number, failures: number): void {
    if (failures === 0) {
      this.#tryStart(index)
      return
    }
    const pause = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** (failures - 1))
    // What is pending keeps the program alive, not the wish for a worker.
    const timer = setTimeout(() => this.#startPaused(index), pause).unref()
    this.#pauses.set(index, { due: monotonicMs() + pause, timer })
  }

  #startPaused(index: number): void {
    clearTimeout(this.#pauses.get(index)?.timer)
    this.#pauses.delete(index)
    this.#tryStart(index)
    this.#checkEnded()
  }

  /**
   * Blocks this thread for at most this many milliseconds, or until there is a result. What the event loop would have told
   * meanwhile, that a worker has ended or is to be started again, is looked for.
   */
  block(timeout: number): void {
    this.#family.loop.block(Math.min(timeout, LOOK_MS))
    const now = monotonicMs()
    if (now < this.#nextLook) return
    this.#nextLook = now + LOOK_MS
    this.#starting.check()
    // Asking is what notices an end.
    for (const worker of this.#live) worker.isAlive()
    for (const [index, { due }] of [...this.#pauses]) if (due <= now) this.#startPaused(index)
    this.#dispatcher.supervisor.check()
    this.look()
    this.#dispatcher.wake()
  }

  #tryStart(index: number): void {
    if (this.#isEnding) return
    try {
      this.#start(index)
    } catch (error) {
      this.#failedStarts++
      if (this.#isHopeless) {
        this.#isEnding = true
        this.#onBroken(error)
      } else {
        this.#replace(index, this.#failedStarts)
      }
    }
  }

  get #isHopeless(): boolean {
    const { table } = this.#dispatcher
    const isAnyReady = this.#running.some((worker, index) => {
      const status = worker === undefined ? WORKER_STARTING : table.workerStatus(index)
      return status !== WORKER_STARTING && status !== WORKER_FAILED && status !== WORKER_RETIRED
    })
    const isTooMany = this.#failedStarts >= MAX_FAILED_STARTS || this.#killedStarts >= MAX_KILLED_STARTS
    return isTooMany && !isAnyReady
  }

  #checkEnded(): void {
    if (this.#live.length > 0 || this.#pauses.size > 0) return
    for (const resolve of this.#onEnded.splice(0)) resolve()
  }
}
