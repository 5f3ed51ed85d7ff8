/** The pool's side of the queue: makes batches, sends them, takes their results, and sends lost batches again. */
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { MultiprocessError, WorkerDiedError } from 'multiprocess'
import { decode } from 'multiprocess/codec'
import type { Task } from 'multiprocess/pooling'
import { isTemporary } from '../redis/server.ts'
import { type BatchBody, jobIdOf, parseJobId, sealBatch } from '../wire/batch.ts'
import type { LostLetter, NeedLetter, RefusedLetter, ResultsLetter } from '../wire/letters.ts'
import { findModule } from '../wire/modules.ts'
import type { Names } from '../wire/names.ts'
import { pack, partOf } from '../wire/packed.ts'
import type { Signer } from '../wire/signature.ts'
import { type CodeStore, MOST_INLINE_CODE } from './code.ts'
import type { Batch, Lane, Unit } from './lane.ts'

const NOTHING = new Uint8Array(0)
/** The number of batches while nothing is known of the machines. */
const FEWEST_BATCHES = 8
const BATCHES_A_PROCESS = 4
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000
/** A batch that is missing at this many looks in a row, without a result in between, is sent again. */
const LOOKS = 2
/** A batch that vanishes this often is given up: something else takes the batches. */
const MOST_VANISHED = 10
/** The exit code of a lost worker program, which nothing has reported. */
const LOST_EXITCODE = -9

export interface DispatchSettings {
  readonly id: string
  readonly names: Names
  readonly signer: Signer
  readonly redis: Redis
  readonly queue: Queue
  readonly store: CodeStore
  readonly serverTimeout: number
  readonly lifetime: number
  /** Tells the machines which items are no longer wanted, as `BATCH:INDEX`. */
  stop(items: string[], isBegunToo: boolean): void
  /** Called whenever the number of pending items has changed. */
  changed(): void
}

export class Dispatch {
  readonly #settings: DispatchSettings
  readonly #lanes = new Set<Lane>()
  readonly #batches = new Map<number, Batch>()
  readonly #places = new WeakMap<Unit, { readonly batch: Batch; readonly index: number }>()
  #numbers = 0
  /** The number of results that are being read. */
  #delivering = 0
  #isFlushing = false
  #isStarted = false
  #error: { readonly reason: unknown } | undefined
  /** The number of worker processes in the cluster. */
  processes = 0
  submitted = 0
  completed = 0
  failed = 0
  resubmitted = 0
  duplicates = 0

  constructor(settings: DispatchSettings) {
    this.#settings = settings
  }

  get pending(): number {
    return this.submitted - this.completed - this.failed + this.#delivering
  }

  /** The number of the last batch, and the jobs that are not done yet. */
  get current(): { readonly last: number; readonly jobs: string[] } {
    return { last: this.#numbers, jobs: [...this.#batches.values()].map(batch => this.#jobOf(batch)) }
  }

  /** The keys of what the batches have on the server. */
  get payloads(): string[] {
    return [...this.#batches.values()].map(batch => this.#settings.names.payload(this.#jobOf(batch)))
  }

  /** Returns the number of items that may be taken from an input ahead of its consumer. */
  aheadOf(lane: Lane): number {
    return this.#window * lane.size * 2
  }

  /** Allows batches to be sent: the server is known to be suitable. */
  start(): void {
    this.#isStarted = true
    this.#schedule()
  }

  submit(lane: Lane, task: Task, bytes: Uint8Array): Unit {
    if (this.#error !== undefined) throw this.#error.reason
    const unit: Unit = { task, bytes, lane, lost: 0, vanished: 0, isSettled: false }
    lane.push(unit)
    this.#lanes.add(lane)
    this.submitted++
    this.#settings.changed()
    this.#schedule()
    return unit
  }

  /** Drops waiting items, and batches that have not begun. With `isBegunToo`, batches that have begun are told to end. */
  drop(units: Iterable<Unit>, isBegunToo: boolean): void {
    const stopped: string[] = []
    for (const unit of units) {
      if (unit.isSettled) continue
      this.#settle(unit, false)
      const place = this.#places.get(unit)
      if (place === undefined) continue
      const { batch, index } = place
      stopped.push(`${batch.number}:${index}`)
      if (batch.left === 0) this.#withdraw(batch)
    }
    for (const lane of this.#lanes) lane.clean()
    if (stopped.length > 0) this.#settings.stop(stopped, isBegunToo)
    this.#schedule()
  }

  /** Removes a batch from the queue. A batch that a worker has stays with the worker. */
  #withdraw(batch: Batch): void {
    this.#settings.queue.remove(this.#jobOf(batch)).catch(() => {})
  }

  /** Makes everything fail with this error from now on. */
  end(reason: unknown): void {
    if (this.#error !== undefined) return
    this.#error = { reason }
    const units = [...this.#lanes].flatMap(lane => lane.drain())
    for (const { units: sent, after } of this.#batches.values()) units.push(...sent, ...after.flat())
    this.#lanes.clear()
    for (const unit of units) if (!unit.isSettled) this.#fail(unit, reason)
  }

  get #window(): number {
    return Math.max(FEWEST_BATCHES, this.processes * BATCHES_A_PROCESS)
  }

  #schedule(): void {
    if (!this.#isStarted || this.#isFlushing || this.#lanes.size === 0) return
    this.#isFlushing = true
    queueMicrotask(() => this.#flush())
  }

  /** Sends batches, from each lane in turn, until enough of them have been sent. */
  #flush(): void {
    this.#isFlushing = false
    while (this.#lanes.size > 0 && this.#batches.size < this.#window) {
      const [lane] = this.#lanes
      this.#lanes.delete(lane)
      const units = lane.take(Math.max(2, this.processes) * 2)
      if (lane.length > 0) this.#lanes.add(lane)
      if (units.length > 0) this.#dispatch(lane, units)
    }
  }

  /** @param after what is sent, one after the other, once these have settled */
  #dispatch(lane: Lane, units: readonly Unit[], after: readonly (readonly Unit[])[] = []): void {
    const batch: Batch = {
      number: ++this.#numbers,
      lane,
      units,
      after,
      attempt: 0,
      left: 0,
      holds: false,
      isQueued: false,
      looks: 0
    }
    for (const [index, unit] of units.entries()) {
      if (unit.isSettled) continue
      batch.left++
      this.#places.set(unit, { batch, index })
    }
    if (batch.left === 0) this.#goOn(batch)
    else this.#batches.set(batch.number, batch)
    void this.#send(batch)
  }

  #goOn({ lane, after: [units, ...after] }: Batch): void {
    if (units !== undefined && this.#error === undefined) this.#dispatch(lane, units, after)
  }

  async #send(batch: Batch): Promise<void> {
    const { serverTimeout } = this.#settings
    const { attempt } = batch
    const giveUpAt = performance.now() + serverTimeout
    let pause = FIRST_PAUSE_MS
    for (;;) {
      if (this.#batches.get(batch.number) !== batch || batch.attempt !== attempt) return
      try {
        await this.#hold(batch)
        await this.#add(batch)
        if (batch.attempt === attempt) batch.isQueued = true
        return
      } catch (error) {
        if (this.#error !== undefined) return
        if (!isTemporary(error) || performance.now() > giveUpAt) return this.#giveUp(batch, error)
        await new Promise(resolve => setTimeout(resolve, pause))
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      }
    }
  }

  /** Keeps the function on the server until the batch is done. */
  async #hold(batch: Batch): Promise<void> {
    if (batch.holds) return
    const { code } = batch.lane.kind
    await this.#settings.store.hold(code)
    if (this.#batches.get(batch.number) === batch && !batch.holds) batch.holds = true
    else this.#settings.store.release(code)
  }

  #forget(batch: Batch): void {
    this.#batches.delete(batch.number)
    if (batch.holds) this.#settings.store.release(batch.lane.kind.code)
    batch.holds = false
  }

  async #add(batch: Batch): Promise<void> {
    const { names, signer, queue, redis, lifetime } = this.#settings
    const { kind, cost } = batch.lane
    const body: BatchBody = {
      hash: kind.code.hash,
      code: kind.code.bytes.length <= MOST_INLINE_CODE ? kind.code.bytes : null,
      passing: kind.passing,
      timeout: kind.timeout,
      killAfter: kind.killAfter,
      retries: kind.retries,
      lifetime,
      cost,
      items: pack(batch.units.map(({ bytes, isSettled }) => (isSettled ? NOTHING : bytes)))
    }
    const job = this.#jobOf(batch)
    const { data, payload } = sealBatch(body, job, names, signer)
    if (payload !== undefined) {
      const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
      await redis.set(names.payload(job), buffer, 'PX', lifetime)
    }
    await queue.add(kind.code.name, data, { jobId: job })
  }

  #giveUp(batch: Batch, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    const failure = new MultiprocessError(`cannot send a batch to the server: ${reason}`, {
      code: 'ERR_CLUSTER_UNREACHABLE',
      cause: error
    })
    this.#failBatch(batch, failure)
  }

  #jobOf({ number, attempt }: Batch): string {
    return jobIdOf({ submitter: this.#settings.id, batch: number, attempt })
  }

  #batchOf(job: string): Batch | undefined {
    const id = parseJobId(job)
    return id?.submitter === this.#settings.id ? this.#batches.get(id.batch) : undefined
  }

  /** Returns the batch of a job, unless it was sent again since. */
  #currentOf(job: string): Batch | undefined {
    const batch = this.#batchOf(job)
    return batch !== undefined && this.#jobOf(batch) === job ? batch : undefined
  }

  results({ job, indexes, errors, values, ms, isLast }: ResultsLetter): void {
    const batch = this.#batchOf(job)
    if (batch === undefined) {
      this.duplicates += indexes.length
      return
    }
    batch.lane.observe(ms, indexes.length)
    for (const [i, index] of indexes.entries()) {
      const unit = batch.units[index]
      if (unit === undefined || unit.isSettled) this.duplicates++
      else this.#deliver(unit, errors[i] === 1, partOf(values, i))
    }
    if (isLast && batch.left > 0 && this.#jobOf(batch) === job) this.#resend(batch)
    this.#schedule()
  }

  /** Settles the item before its value is read: another result of the item is a duplicate. */
  #deliver(unit: Unit, isError: boolean, bytes: Uint8Array): void {
    this.#delivering++
    this.#settle(unit, !isError)
    void this.#read(unit, isError, bytes)
  }

  async #read({ task }: Unit, isError: boolean, bytes: Uint8Array): Promise<void> {
    let settle: () => void
    try {
      const value = await decode(bytes, { audience: 'program', findModule })
      settle = () => (isError ? task.fail(value) : task.succeed(value))
    } catch (error) {
      settle = () => task.fail(error)
    }
    this.#delivering--
    settle()
    this.#settings.changed()
  }

  /**
   * Sends the rest of a batch again, in halves, after the program that had it was lost. In this way, an item that kills is found. The
   * second half waits for the first: a program that had both could be lost by the one while it has not yet told of the other.
   */
  lost({ job }: LostLetter): void {
    const batch = this.#currentOf(job)
    if (batch === undefined) return
    const units = batch.units.filter(({ isSettled }) => !isSettled)
    if (units.length > 1) {
      this.#forget(batch)
      this.resubmitted++
      const half = Math.ceil(units.length / 2)
      for (const unit of units) this.#places.delete(unit)
      this.#dispatch(batch.lane, units.slice(0, half), [units.slice(half), ...batch.after])
      return
    }
    const [unit] = units
    unit.lost++
    if (unit.lost <= batch.lane.kind.retries) {
      this.#resend(batch)
      return
    }
    const message = `the worker program was lost while it ran the task (${unit.lost} times); does the task end its program?`
    this.#failBatch(batch, new WorkerDiedError(message, { exitcode: LOST_EXITCODE, pid: 0 }))
  }

  need({ job, hash }: NeedLetter): void {
    const batch = this.#currentOf(job)
    if (batch === undefined) return
    this.#settings.store.forget(hash)
    this.#resend(batch)
  }

  async refused({ job, error }: RefusedLetter): Promise<void> {
    const batch = this.#currentOf(job)
    if (batch !== undefined) this.#failBatch(batch, await decode(error, { audience: 'program', findModule }))
  }

  #resend(batch: Batch): void {
    batch.attempt++
    batch.looks = 0
    batch.isQueued = false
    this.resubmitted++
    void this.#send(batch)
  }

  /** Looks for batches that the server no longer has, and sends them again. */
  async sweep(): Promise<void> {
    const { redis, names } = this.#settings
    const batches = [...this.#batches.values()].filter(({ isQueued }) => isQueued)
    if (batches.length === 0) return
    const jobs = batches.map(batch => this.#jobOf(batch))
    const pipeline = redis.pipeline()
    for (const job of jobs) pipeline.exists(names.job(job))
    const replies = (await pipeline.exec()) ?? []
    for (const [i, batch] of batches.entries()) {
      const [error, isThere] = replies[i] ?? [new Error('no reply')]
      if (error !== null || this.#currentOf(jobs[i]) !== batch) continue
      if (isThere === 1) batch.looks = 0
      else if (++batch.looks >= LOOKS) this.#vanished(batch)
    }
  }

  #vanished(batch: Batch): void {
    const most = Math.max(...batch.units.map(unit => (unit.isSettled ? 0 : ++unit.vanished)))
    if (most <= MOST_VANISHED) {
      this.#resend(batch)
      return
    }
    const message = `a batch has vanished from the server ${most} times: does a worker with another key take the batches, or does another program delete them?`
    this.#failBatch(batch, new MultiprocessError(message, { code: 'ERR_BATCH_LOST' }))
  }

  #failBatch(batch: Batch, error: unknown): void {
    for (const unit of batch.units) if (!unit.isSettled) this.#fail(unit, error)
    this.#schedule()
  }

  #fail(unit: Unit, error: unknown): void {
    this.#settle(unit, false)
    unit.task.fail(error)
  }

  #settle(unit: Unit, hasSucceeded: boolean): void {
    unit.isSettled = true
    if (hasSucceeded) this.completed++
    else this.failed++
    const batch = this.#places.get(unit)?.batch
    if (batch !== undefined && --batch.left === 0) {
      this.#forget(batch)
      this.#goOn(batch)
    }
    this.#settings.changed()
  }
}
