/** What a pool does: its parts put together, and its life from the first task to the last worker's end. */
import { checkArray, checkBoolean, checkInteger } from '../checks.ts'
import { encodeHeld, type Releases, runAll } from '../codec/encode.ts' // lazy
import { rootFrom } from '../codec/values/path.ts'
import { MultiprocessError, PoolTerminatedError, ValueError } from '../errors.ts'
import { currentFamily, type Family } from '../ground/family.ts' // lazy
import type { StartMethod } from '../ground/members/platform.ts'
import { sentTarget, type Target } from '../process/target.ts'
import { Dispatcher, type Task } from './dispatcher.ts'
import { Endings } from './endings.ts'
import { type FunctionEntry, Functions } from './functions.ts'
import { IMapRun } from './imap.ts'
import { checkIterable, collect, iterate } from './input.ts'
import { type MapPlan, MapRun } from './map-run.ts'
import {
  type IMapOptions,
  integer,
  type MapOptions,
  type PoolOptions,
  type ResolvedPoolOptions,
  type TaskOptions
} from './options.ts'
import { type Control, controlOf } from './shared/control.ts'
import { APPLY, CALL, IMAP, MAY_STOP } from './shared/task-kinds.ts'
import { TaskTable } from './shared/task-table.ts'
import { Signals } from './signals.ts'
import { shown, tellItems } from './telling/audience.ts'
import { insightsOf, type PoolInsights } from './telling/insights.ts'
import { type OpenPool, openPools } from './telling/open-pools.ts'
import { progressOf, sizeOf } from './telling/progress.ts'
import { type PoolStats, statsOf } from './telling/stats.ts'
import { createTrace, PoolTrace } from './telling/trace.ts'
import { submitTo, tracing } from './telling/tracing.ts'
import { Workers } from './workers.ts'

const CHUNKS_AHEAD = 4

type Input = Iterable<unknown> | AsyncIterable<unknown>

export class PoolCore {
  readonly #family: Family
  readonly #processes: number
  readonly #concurrency: number
  readonly #at: number
  /** Tasks that the workers can have at once, and those that may wait. */
  readonly #mostPending: number
  readonly #dispatcher: Dispatcher
  readonly #functions: Functions
  /** What the initializer and its arguments hold. */
  readonly #held: Releases
  readonly #workers: Workers
  state: 'open' | 'closed' | 'terminated' | 'broken' = 'open'
  #reason: unknown
  /** Runs of map and imap that have yet to submit what follows. */
  #runs = 0
  readonly #imaps = new Set<IMapRun<unknown>>()
  readonly #endings = new Endings()
  readonly #signals = new Signals((tasks, reason) => {
    for (const task of this.#dispatcher.cancel(task => tasks.has(task))) task.fail(reason)
  })
  readonly #trace: PoolTrace | undefined
  readonly #open: OpenPool
  #isFreed = false
  readonly #whenDone: (() => void)[] = []

  /**
   * @param face the Pool that it is the core of
   * @throws as the constructor of Pool
   */
  constructor(
    face: object,
    method: StartMethod,
    settings: ResolvedPoolOptions,
    { initializer, initargs = [] }: Pick<PoolOptions, 'initializer' | 'initargs'>
  ) {
    const { processes, minProcesses, idleTimeout, concurrency, maxTasksPerChild, maxMemoryPerChild, reserve, trace } =
      settings
    this.#processes = processes
    this.#concurrency = concurrency
    this.#mostPending = processes * concurrency + settings.maxQueue
    const isFixed = Math.min(maxTasksPerChild, maxMemoryPerChild, idleTimeout) === Number.POSITIVE_INFINITY
    const places = processes * (isFixed ? 1 : 2) + reserve
    if (trace !== undefined) createTrace(trace)
    // A worker that cannot import what they need says so: they are decoded by the worker, and not on its way up.
    const prepared =
      initializer === undefined
        ? null
        : encodeHeld({ initializer: sentTarget(initializer, 'initializer'), initargs }, '', {
            sharesBuffers: method === 'thread' ? 'held' : 'no'
          })
    this.#held = prepared?.releases ?? null

    const family = currentFamily(method)
    this.#family = family
    this.#at = family.arena.allocate(TaskTable.bytesFor(places))
    this.#dispatcher = new Dispatcher(family, this.#at, places, face)
    this.#functions = new Functions(this.#dispatcher.messages)
    this.#dispatcher.onIdle = () => {
      this.#functions.free()
      this.#endWhenDone()
    }
    const workers = {
      method,
      at: this.#at,
      processes,
      minProcesses,
      idleTimeout,
      startTimeout: settings.startTimeout,
      reserve,
      places,
      owner: family.self,
      concurrency,
      maxTasks: maxTasksPerChild,
      maxMemory: maxMemoryPerChild,
      preparation: prepared?.bytes ?? null
    }
    this.#workers = new Workers(family, workers, this.#dispatcher, error => this.#break(error))
    this.#dispatcher.supervisor.workers = this.#workers
    this.#dispatcher.onNews = this.#workers.look
    this.#dispatcher.events.pidOf = index => this.#workers.pidOf(index)
    if (settings.timings) this.#dispatcher.events.measure()
    if (trace !== undefined) this.#trace = new PoolTrace(trace, this.#dispatcher.events, this.#concurrency)
    this.#dispatcher.table.forOthers.publish({ owner: family.self, places, processes, concurrency })
    const { events, table } = this.#dispatcher
    this.#open = { method, processes, table, events, stats: this.stats }
    openPools.add(this.#open)
    try {
      this.#workers.start()
    } catch (error) {
      this.terminate()
      void this.join()
      throw error
    }
  }

  /** @throws what makes the call senseless: the task is then not submitted */
  apply(fn: Target, args: unknown[] | undefined, task: Task, options?: TaskOptions): void {
    this.#checkOpen()
    if (args !== undefined) checkArray('args', args)
    if (this.#dispatcher.pending >= this.#mostPending) throw this.#full()
    const control = controlOf(options)
    const signal = control?.signal
    if (signal === undefined) {
      this.#submitApply(fn, args ?? [], task, control)
    } else if (signal.aborted) {
      task.fail(signal.reason)
    } else {
      const guarded = this.#signals.guard(signal, task)
      try {
        this.#submitApply(fn, args ?? [], guarded, control)
      } catch (error) {
        this.#signals.forget(signal, guarded)
        throw error
      }
    }
  }

  #submitApply(fn: Target, args: unknown[], task: Task, control: Control | undefined): void {
    const entry = this.#functions.fixed(fn)
    if (entry === undefined) {
      const anonymous = { ...this.#functions.anonymous, name: (fn as { name: string }).name }
      submitTo(this.#dispatcher, tracing.begin?.(), anonymous, CALL, { fn, args }, '', task, control)
    } else {
      submitTo(this.#dispatcher, tracing.begin?.(), entry, APPLY, args, 'args', task, control)
    }
  }

  /** For reports, until what it answers is called: a thread is about to block. */
  tell(): (() => void) | undefined {
    return this.#family.waits?.begin('for a result of a pool', true)
  }

  /** Blocks this thread until there may be a result, for at most this many milliseconds. */
  block(ms: number): void {
    this.#workers.block(ms)
  }

  /** @throws what makes the call senseless; whatever happens later fails the task */
  map(kind: number, fn: Target, items: Input, options: MapOptions, task: Task): void {
    this.#checkOpen()
    const { chunksize } = options
    if (chunksize !== undefined) checkInteger('chunksize', chunksize, 1)
    checkIterable(items)
    const control = controlOf(options)
    const told = progressOf(options.progress)
    const entry = this.#functions.entry(fn)
    const progress = shown(told, this.#open, entry.name)
    this.#runs++
    void this.#runMap({ kind, entry, chunksize, control, progress, trace: tracing.begin?.() }, items, task)
  }

  async #runMap(plan: MapPlan, items: Input, task: Task): Promise<void> {
    const signal = plan.control?.signal
    let settle: () => void
    try {
      signal?.throwIfAborted()
      const isOver = () => this.#isEnded || (signal?.aborted ?? false)
      const all = await this.#endings.race(collect(items, isOver), signal)
      const results = await this.#map(plan, all)
      settle = () => task.succeed(results)
    } catch (error) {
      settle = () => task.fail(error)
    }
    plan.progress?.end()
    this.#endRun(plan.entry)
    settle()
  }

  #map({ kind, entry, chunksize, control, progress, trace }: MapPlan, all: readonly unknown[]): Promise<unknown[]> {
    const signal = control?.signal
    // A chunk of the size that was asked for is one task.
    const kindAndFlags = chunksize === undefined ? kind | MAY_STOP : kind
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      progress?.begin(all.length)
      const run = new MapRun(all, {
        chunksize: chunksize ?? Math.max(1, Math.ceil(all.length / (this.#processes * 4))),
        isAdaptive: chunksize === undefined,
        workers: this.#processes,
        submit: ({ start, items, task }) => {
          this.#checkRunning()
          submitTo(this.#dispatcher, trace, entry, kindAndFlags, items, rootFrom('items', start), task, control)
          return this.#dispatcher.messages.lastLength
        },
        progress: done => progress?.update(done, all.length),
        succeed: results => {
          signal?.removeEventListener('abort', onAbort)
          resolve(results)
        },
        fail: error => {
          signal?.removeEventListener('abort', onAbort)
          this.#dispatcher.withdraw(task => run.tasks.has(task))
          reject(error)
        }
      })
      const onAbort = () => {
        this.#dispatcher.cancel(task => run.tasks.has(task))
        run.fail(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort)
      run.submit(this.#processes * this.#concurrency * CHUNKS_AHEAD)
    })
  }

  /** @param face the Pool, which lives as long as the run: closed, it would read an endless input to its end @throws as `map` */
  imap<R>(fn: Target, items: Input, options: IMapOptions, isOrdered: boolean, face: object): IMapRun<R> {
    this.#checkOpen()
    const { chunksize, buffersize, settled } = options
    if (settled !== undefined) checkBoolean('settled', settled)
    const size = integer('chunksize', chunksize, 1)
    const ahead = integer('buffersize', buffersize, this.#processes * this.#concurrency * CHUNKS_AHEAD * size)
    const control = controlOf(options)
    const signal = control?.signal
    const told = progressOf(options.progress)
    const total = sizeOf(items)
    const entry = this.#functions.entry(fn)
    const input = iterate(items)
    const trace = tracing.begin?.()
    const progress = shown(told, this.#open, entry.name)
    this.#runs++
    progress?.begin(total)
    const onAbort = () => run.abort(signal?.reason)
    const run = new IMapRun<R>(input, {
      chunksize: Math.min(size, ahead),
      buffersize: ahead,
      isOrdered,
      isSettled: settled === true,
      owner: face,
      submit: ({ start, items, task }) => {
        this.#checkRunning()
        submitTo(this.#dispatcher, trace, entry, IMAP, items, rootFrom('items', start), task, control)
      },
      withdraw: tasks => this.#dispatcher.withdraw(task => tasks.has(task)),
      cancel: tasks => this.#dispatcher.cancel(task => tasks.has(task)),
      progress: done => progress?.update(done, total),
      answered: results => tellItems(this.#open, entry.name, results),
      over: () => {
        signal?.removeEventListener('abort', onAbort)
        progress?.end()
      },
      end: () => {
        this.#imaps.delete(run as IMapRun<unknown>)
        this.#endRun(entry)
      }
    })
    this.#imaps.add(run as IMapRun<unknown>)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort)
    return run
  }

  stats = (): PoolStats => statsOf(this.#dispatcher, this.#workers.stats)

  /** @throws ValueError without `timings` */
  insights = (): PoolInsights => insightsOf(this.#dispatcher.events)

  close(): void {
    if (this.state !== 'open') return
    this.state = 'closed'
    for (const run of this.#imaps) run.unbound()
    this.#endWhenDone()
  }

  terminate(): void {
    if (this.state === 'terminated') return
    if (this.state !== 'broken') this.state = 'terminated'
    this.#end(new PoolTerminatedError())
  }

  /** Nothing refers to the Pool any more: what was given to it is finished, and its workers end. */
  drop(): void {
    if (this.state === 'open') {
      process.emitWarning(
        `a pool of ${this.#processes} workers was dropped without close() or terminate(): its workers end now. ` +
          'Use await using, or close it',
        { type: 'ResourceWarning', code: 'MULTIPROCESS_POOL_DROPPED' }
      )
      this.close()
    }
    this.join().catch(() => {})
  }

  #end(error: unknown): void {
    this.#dispatcher.end(error)
    // First: workers that compute would have the processors while thousands of tasks fail.
    this.#workers.signalEnd()
    this.#dispatcher.failAll()
    for (const run of this.#imaps) run.fail(error)
    this.#endings.end(error)
    this.#workers.terminate()
    for (const resolve of this.#whenDone.splice(0)) resolve()
  }

  /** @throws ValueError while the pool is open */
  async join(): Promise<void> {
    if (this.state === 'open') throw new ValueError('cannot join a pool that is open: close() or terminate() it first')
    if (this.state === 'closed' && !this.#isDone) await new Promise<void>(resolve => this.#whenDone.push(resolve))
    await this.#workers.ended()
    await this.#trace?.close()
    this.#free()
  }

  get #isEnded(): boolean {
    return this.state === 'terminated' || this.state === 'broken'
  }

  get #isDone(): boolean {
    return this.#dispatcher.pending === 0 && this.#runs === 0
  }

  #endWhenDone(): void {
    if (!this.#isDone || this.state === 'open') return
    for (const resolve of this.#whenDone.splice(0)) resolve()
    if (this.state !== 'closed') return
    this.#workers.end()
    this.#dispatcher.close()
  }

  #endRun(entry: FunctionEntry): void {
    this.#functions.drop(entry)
    if (this.#dispatcher.pending === 0) this.#functions.free()
    this.#runs--
    this.#endWhenDone()
  }

  /** Workers can't be started: nobody waits for ever. */
  #break(error: unknown): void {
    this.state = 'broken'
    this.#reason = error
    this.#end(error)
  }

  #full(): MultiprocessError {
    const count = this.#mostPending - this.#processes * this.#concurrency
    return new MultiprocessError(
      `cannot submit the task: ${count} tasks wait already, as many as maxQueue allows; await some results first`,
      { code: 'ERR_POOL_FULL' }
    )
  }

  #checkOpen(): void {
    if (this.state === 'closed') throw new ValueError('the pool is closed: it takes no new tasks')
    this.#checkRunning()
  }

  #checkRunning(): void {
    if (this.state === 'terminated') throw new PoolTerminatedError('the pool was terminated: it takes no new tasks')
    if (this.state === 'broken') throw this.#reason
  }

  #free(): void {
    if (this.#isFreed) return
    this.#isFreed = true
    openPools.delete(this.#open)
    this.#dispatcher.dispose()
    this.#functions.clear()
    runAll(this.#held)
    this.#family.arena.free(this.#at)
  }
}
