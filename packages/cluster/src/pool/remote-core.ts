/** What a pool with a server does: turns the calls of its users into items for `Dispatch`, from the first call to the end of the pool. */
import { PoolTerminatedError, type Target, type TaskOptions, ValueError } from 'multiprocess'
import { encode } from 'multiprocess/codec'
import {
  type Chunk,
  type Control,
  checkApplyOptions,
  checkInteger,
  controlOf,
  IMapRun,
  iterate,
  progressOf,
  Signals,
  sizeOf,
  type Task
} from 'multiprocess/pooling'
import type { Passing } from '../wire/batch.ts'
import { nameModule } from '../wire/modules.ts'
import { ChunkErrors } from './chunk-errors.ts'
import { type Code, codeOf } from './code.ts'
import { Lane, type Unit } from './lane.ts'
import type { RemotePoolOptions } from './options.ts'
import type { ProgressOption, RemoteMapOptions } from './remote-pool.ts'
import { Submitter } from './submitter.ts'

type Input = Iterable<unknown> | AsyncIterable<unknown>

/** The number of worker programs that may be lost with one task, by default: losing one is not unusual. */
const RETRIES = 2
const KILL_AFTER_MS = 1000
/** The number of lanes that are remembered; those of functions that were not called for a while are forgotten. */
const MOST_LANES = 200

/** How the results of a run arrive. */
export interface RunPlan {
  readonly passing: Passing
  readonly isOrdered: boolean
  /** Called with the number of an item and its value. Its result arrives instead of the value. */
  readonly wrap?: (index: number, value: unknown) => unknown
  /** True to report the first item of a chunk that fails before the other items of its chunk. */
  readonly hasOrderedErrors?: boolean
}

export class RemoteCore {
  readonly submitter: Submitter
  readonly #lanes = new Map<string, Lane>()
  readonly #units = new Map<Task, Unit>()
  readonly #signals: Signals
  readonly #runs = new Set<IMapRun<unknown>>()
  readonly #whenDone: (() => void)[] = []
  #calls = 0
  #state: 'open' | 'closed' | 'terminated' | 'broken' = 'open'
  #reason: unknown
  #ended: Promise<void> | undefined

  /** @throws the errors of ClusterPool's constructor */
  constructor(options: RemotePoolOptions) {
    this.submitter = new Submitter(
      options,
      error => this.#end('broken', error),
      () => this.#changed()
    )
    this.#signals = new Signals((tasks, reason) => {
      this.#drop(tasks, true)
      for (const task of tasks) task.fail(reason)
    })
  }

  /** @throws an error if the call is invalid: the task is then not submitted */
  apply(fn: Target, args: unknown[] | undefined, task: Task, options: TaskOptions | undefined): void {
    this.#checkOpen()
    checkApplyOptions(options)
    if (args !== undefined && !Array.isArray(args)) throw new TypeError(`args must be an array, not ${typeof args}`)
    const control = controlOf(options)
    const signal = control?.signal
    if (signal?.aborted) {
      task.fail(signal.reason)
      return
    }
    const lane = this.#lane(codeOf(fn), 'all', control, options, undefined)
    const bytes = encode(args ?? [], { audience: 'program', nameModule, path: 'args' })
    const guarded = signal === undefined ? task : this.#signals.guard(signal, task)
    this.#submit(lane, guarded, bytes, outcome => settle(guarded, outcome))
  }

  /** @throws an error if the call is invalid; later errors are results */
  run<R>(fn: Target, items: Input, options: RemoteMapOptions, plan: RunPlan): IMapRun<R> {
    this.#checkOpen()
    const { chunksize, buffersize } = options
    if (chunksize !== undefined) checkInteger('chunksize', chunksize, 1)
    // Without a buffersize, as many as the workers take ahead.
    const most = buffersize === undefined ? 0 : checkInteger('buffersize', buffersize, 1)
    const control = controlOf(options)
    const signal = control?.signal
    const progress = progressOf(options.progress as ProgressOption)
    const total = sizeOf(items)
    const lane = this.#lane(codeOf(fn), plan.passing, control, options, chunksize)
    const input = iterate(items)
    const { dispatch } = this.submitter
    const errors = plan.hasOrderedErrors && chunksize !== undefined ? new ChunkErrors(chunksize) : undefined
    this.#calls++
    this.#changed()
    progress?.begin(total)
    const onAbort = () => run.abort(signal?.reason)
    const run = new IMapRun<R>(input, {
      chunksize: 1,
      get buffersize() {
        return most > 0 ? most : dispatch.aheadOf(lane)
      },
      isOrdered: plan.isOrdered,
      isSettled: options.settled === true,
      submit: chunk => this.#submitChunk(lane, chunk, plan, errors),
      withdraw: tasks => this.#drop(tasks, false),
      cancel: tasks => this.#drop(tasks, true),
      progress: done => progress?.update(done, total),
      over: () => {
        signal?.removeEventListener('abort', onAbort)
        progress?.end()
      },
      end: () => {
        this.#runs.delete(run as IMapRun<unknown>)
        this.#calls--
        this.#changed()
      }
    })
    this.#runs.add(run as IMapRun<unknown>)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort)
    return run
  }

  /** Submits each item as a separate chunk; lanes combine them into batches. */
  #submitChunk(lane: Lane, { start, items, task }: Chunk, { wrap }: RunPlan, errors: ChunkErrors | undefined): void {
    this.#checkRunning()
    const bytes = encode(items[0], { audience: 'program', nameModule, path: `items[${start}]` })
    this.#submit(lane, task, bytes, ({ isError, value }) => {
      const report = () => task.succeed([isError, isError || !wrap ? value : wrap(start, value)])
      if (isError && errors !== undefined) return errors.failed(start, report)
      report()
      errors?.succeeded(start)
    })
  }

  #submit(lane: Lane, task: Task, bytes: Uint8Array, done: (outcome: Outcome) => void): void {
    const arrived = (outcome: Outcome) => {
      this.#units.delete(task)
      done(outcome)
    }
    const unit = this.submitter.dispatch.submit(
      lane,
      {
        succeed: value => arrived({ isError: false, value }),
        fail: value => arrived({ isError: true, value })
      },
      bytes
    )
    this.#units.set(task, unit)
  }

  #drop(tasks: Iterable<Task>, isBegunToo: boolean): void {
    const dropped: Unit[] = []
    for (const task of tasks) {
      const unit = this.#units.get(task)
      if (unit !== undefined) dropped.push(unit)
      this.#units.delete(task)
    }
    this.submitter.dispatch.drop(dropped, isBegunToo)
  }

  #lane(
    code: Code,
    passing: Passing,
    control: Control | undefined,
    options: TaskOptions | undefined,
    chunksize: number | undefined
  ): Lane {
    const retries = options?.retries ?? RETRIES
    const { timeout = Number.POSITIVE_INFINITY, killAfter = KILL_AFTER_MS } = control ?? {}
    const key = [code.hash, passing, timeout, killAfter, retries, chunksize].join()
    const lane = this.#lanes.get(key) ?? new Lane({ code, passing, timeout, killAfter, retries, chunksize })
    // The lane that was used last is the last to be forgotten.
    this.#lanes.delete(key)
    this.#lanes.set(key, lane)
    if (this.#lanes.size > MOST_LANES) this.#lanes.delete(this.#lanes.keys().next().value as string)
    return lane
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    for (const run of this.#runs) run.unbound()
    this.#changed()
  }

  terminate(): void {
    if (this.#state === 'terminated') return
    this.#end('terminated', new PoolTerminatedError())
  }

  #end(state: 'terminated' | 'broken', reason: unknown): void {
    if (this.#state === 'terminated' || this.#state === 'broken') return
    this.#state = state
    this.#reason = reason
    this.submitter.dispatch.end(reason)
    for (const run of [...this.#runs]) run.fail(reason)
    this.#changed()
    void this.#leave()
  }

  /** @throws ValueError while the pool is open */
  async join(): Promise<void> {
    if (this.#state === 'open') throw new ValueError('cannot join a pool that is open: close() or terminate() it first')
    if (this.#state === 'closed' && !this.#isDone) await new Promise<void>(resolve => this.#whenDone.push(resolve))
    await this.#leave()
  }

  #leave(): Promise<void> {
    this.#ended ??= this.submitter.close()
    return this.#ended
  }

  get #isDone(): boolean {
    return this.submitter.dispatch.pending === 0 && this.#calls === 0
  }

  #changed(): void {
    const isDone = this.#isDone
    this.submitter.work(!isDone)
    if (!isDone || this.#state === 'open') return
    for (const resolve of this.#whenDone.splice(0)) resolve()
    void this.#leave()
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new ValueError('the pool is closed: it takes no new tasks')
    this.#checkRunning()
  }

  #checkRunning(): void {
    if (this.#state === 'terminated') throw new PoolTerminatedError('the pool was terminated: it takes no new tasks')
    if (this.#state === 'broken') throw this.#reason
  }
}

interface Outcome {
  readonly isError: boolean
  readonly value: unknown
}

function settle(task: Task, { isError, value }: Outcome): void {
  if (isError) task.fail(value)
  else task.succeed(value)
}
