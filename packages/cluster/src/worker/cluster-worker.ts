/** A worker program of a cluster: takes batches, runs them in the processes of a local Pool, and sends the results back. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Job, UnrecoverableError, Worker } from 'bullmq'
import { cpuCount, MultiprocessError, Pool, type PoolStats } from 'multiprocess'
import { encodeError } from 'multiprocess/codec'
import { leave, REPORT_MS, report } from '../pool/machines.ts'
import { checkSettings, KEY_CHECK_MS } from '../redis/checks.ts'
import { Inbox, post } from '../redis/inbox.ts'
import { isTemporary, SERVER_TIMEOUT_MS, Server } from '../redis/server.ts'
import {
  type BatchBody,
  type BatchData,
  isGenuine,
  type JobId,
  mismatchOf,
  openBatch,
  parseJobId,
  VERSIONS
} from '../wire/batch.ts'
import { type Letter, openLetter, sealLetter } from '../wire/letters.ts'
import { type Names, namesOf, PREFIX } from '../wire/names.ts'
import { Signer, sha256 } from '../wire/signature.ts'
import { BatchRun } from './batch-run.ts'
import { type ClusterWorkerOptions, checkWorker, LEASE_MS } from './options.ts'
import { Permits } from './permits.ts'
import { Replies } from './replies.ts'
import { Sessions } from './sessions.ts'

const CLOSE_MS = 15_000
const LOOK_MS = 1000
const INBOX_MS = 60_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000
/** A batch that takes longer than this is not taken in advance: another machine may have a process for it. */
const SHORT_BATCH_MS = 250
const AHEAD = 2
const NEWEST = 0.3
/** The pool, which splits the batch, counts lost programs. */
const ANY_TIMES = 1_000_000

interface Active {
  readonly id: JobId
  readonly run: BatchRun
}

/**
 * Runs tasks of ClusterPools with the same name and key, until it is closed. Tasks run in the processes of a local Pool, so a task that
 * computes for long never keeps this program from renewing its lease.
 * @example
 * import { ClusterWorker } from 'multiprocess-cluster'
 *
 * const key = 'the same 16 bytes or more for all programs'
 * await using worker = new ClusterWorker({ url: 'redis://localhost', name: 'thumbs', key, processes: 8 })
 * await worker.closed
 */
export class ClusterWorker implements AsyncDisposable {
  /** The id of this program in the statistics of pools. */
  readonly id: string = randomBytes(8).toString('hex')
  /** Resolves once the worker takes batches. Rejects if the server or the key is unsuitable. */
  readonly ready: Promise<void>
  /** Resolves after `close()`. Rejects if the server was unreachable for too long, or the local pool cannot start its processes. */
  readonly closed: Promise<void>
  readonly #options: ClusterWorkerOptions
  readonly #names: Names
  readonly #signer: Signer
  readonly #server: Server
  readonly #pool: Pool
  readonly #processes: number
  readonly #permits: Permits
  readonly #inbox: Inbox
  readonly #sessions: Sessions
  readonly #active = new Map<string, Active>()
  /** The unfinished batches, from the moment when they were taken. */
  readonly #jobs = new Set<Promise<void>>()
  readonly #timers: NodeJS.Timeout[] = []
  #worker: Worker<BatchData> | undefined
  #wall = 0
  #done = 0
  #rate = { at: performance.now(), done: 0 }
  #state: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  #settleClosed!: { resolve(): void; reject(error: unknown): void }
  /** Ends all retries. */
  #failure: { readonly error: unknown } | undefined

  /** @throws TypeError, ValueError if an option is invalid, with its name and value */
  constructor(options: ClusterWorkerOptions) {
    checkWorker(options)
    const { url, name, key, redis, serverTimeout, telemetry, lease, ...poolOptions } = options
    this.#options = options
    this.#names = namesOf(name)
    this.#signer = new Signer(key ?? process.env['MULTIPROCESS_KEY'])
    this.closed = new Promise<void>((resolve, reject) => {
      this.#settleClosed = { resolve, reject }
    })
    this.closed.catch(() => {})
    this.#pool = new Pool(poolOptions)
    this.#processes = options.processes ?? cpuCount()
    this.#permits = new Permits(this.#processes * (options.concurrency ?? 1))
    this.#server = new Server(options, error => this.#fail(error))
    this.#server.hold(true)
    this.#sessions = new Sessions(
      (submitter, nonce) => this.#post(submitter, { type: 'ask', from: this.id, nonce }),
      async submitter => (await this.#server.commands.exists(this.#names.submitter(submitter))) === 1
    )
    this.#inbox = new Inbox(this.#server, this.#names.inbox(this.id), fields => this.#receive(fields))
    this.ready = this.#start()
    this.ready.catch(error => this.#fail(error))
  }

  /** The statistics of its local pool, with the numbers of items done and of unfinished batches. */
  get stats(): PoolStats & { readonly done: number; readonly batches: number } {
    return { ...this.#pool.stats, done: this.#done, batches: this.#active.size }
  }

  /**
   * Takes no new batches, finishes its present ones, and leaves the cluster. What is not done after the timeout goes to other workers.
   * @param options.timeout milliseconds. Default: 15,000
   */
  close(options: { timeout?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeout ?? CLOSE_MS)
    return this.#closing
  }

  /** Does the same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #start(): Promise<void> {
    const { commands } = this.#server
    await checkSettings(commands, this.#names, this.#signer, message => process.emitWarning(message))
    await this.#report()
    if (this.#state !== 'open') return
    this.#inbox.listen(true)
    // A server that was restarted may have forgotten.
    commands.on('ready', () => void this.#report().catch(() => {}))
    this.#every(REPORT_MS, () => this.#report())
    this.#every(LOOK_MS, () => this.#look())
    const { lease = LEASE_MS, telemetry } = this.#options
    const worker = new Worker<BatchData>(this.#names.queue, job => this.#track(job), {
      connection: this.#server.connect(),
      prefix: PREFIX,
      name: `${hostname()}:${process.pid}`,
      concurrency: this.#processes,
      lockDuration: lease,
      stalledInterval: Math.max(500, lease / 2),
      maxStalledCount: ANY_TIMES,
      runRetryDelay: LONGEST_PAUSE_MS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      telemetry
    })
    worker.on('error', () => {})
    this.#worker = worker
    await worker.waitUntilReady()
  }

  async #track(job: Job<BatchData>): Promise<void> {
    const begun = performance.now()
    const done = this.#process(job)
    const settled = done.then(
      () => {},
      () => {}
    )
    this.#jobs.add(settled)
    try {
      await done
    } finally {
      this.#jobs.delete(settled)
      this.#wall = this.#wall * (1 - NEWEST) + (performance.now() - begun) * NEWEST
      const isShort = this.#wall < SHORT_BATCH_MS
      if (this.#worker !== undefined) this.#worker.concurrency = this.#processes * (isShort ? AHEAD : 1)
    }
  }

  async #process(job: Job<BatchData>): Promise<void> {
    const { id: name = '', data } = job
    const bytes = await this.#bodyOf(name, data)
    // The payload has expired with its pool.
    if (bytes === null) return
    const id = parseJobId(name)
    if (id === undefined || !isGenuine(data, bytes, name, this.#names, this.#signer)) {
      return this.#refuse(`batch '${name}' was not signed with this cluster's key for this place`)
    }
    const mismatch = mismatchOf(data)
    if (mismatch !== undefined) {
      const error = new MultiprocessError(`cannot run the task: ${mismatch}`, { code: 'ERR_CODE_VERSION' })
      return this.#post(id.submitter, { type: 'refused', job: name, error: encodeError(error) })
    }
    const verdict = await this.#sessions.check(id, name)
    if (verdict === 'gone') return
    if (verdict === 'replayed') return this.#refuse(`batch '${name}' was done before`)
    if (job.stalledCounter > 0) return this.#post(id.submitter, { type: 'lost', job: name })
    const body = await openBatch(bytes)
    const code = body.code ?? (await this.#server.commands.getBuffer(this.#names.code(body.hash)))
    if (code === null || sha256(code) !== body.hash) {
      return this.#post(id.submitter, { type: 'need', job: name, hash: body.hash })
    }
    await this.#run(id, name, body, code)
    this.#sessions.finished(id, name)
  }

  async #bodyOf(job: string, { body }: BatchData): Promise<Uint8Array | null> {
    if (typeof body === 'string') return Buffer.from(body, 'base64')
    return this.#server.commands.getBuffer(this.#names.payload(job))
  }

  #refuse(reason: string): never {
    process.emitWarning(`refused: ${reason} (multiprocess-cluster)`)
    throw new UnrecoverableError(reason)
  }

  async #run(id: JobId, job: string, body: BatchBody, code: Uint8Array): Promise<void> {
    const replies = new Replies(job, letter => this.#post(id.submitter, letter, body.lifetime))
    const run = new BatchRun(this.#pool, this.#permits, body, code, (outcomes, ms) => {
      this.#done += outcomes.length
      replies.add(outcomes, ms)
    })
    this.#active.set(job, { id, run })
    try {
      // The run does not wait for this look: items that were stopped before are stopped as soon as this is known.
      void this.#lookAt(id.submitter).catch(() => {})
      if (this.#state === 'closed') run.stopAll()
      await run.run((this.#options.concurrency ?? 1) > 1)
    } catch (error) {
      if (this.#state === 'open') this.#fail(error)
    } finally {
      this.#active.delete(job)
      await replies.end()
    }
  }

  #stop(submitter: string, items: readonly string[], isBegunToo: boolean): void {
    for (const { id, run } of this.#active.values()) {
      if (id.submitter !== submitter) continue
      const prefix = `${id.batch}:`
      const indexes = items.filter(item => item.startsWith(prefix)).map(item => Number(item.slice(prefix.length)))
      if (indexes.length > 0) run.stop(indexes, isBegunToo)
    }
  }

  /** Looks for items that are no longer wanted, and for pools that are gone. */
  async #look(): Promise<void> {
    const submitters = [...new Set([...this.#active.values()].map(({ id }) => id.submitter))]
    for (const submitter of submitters) await this.#lookAt(submitter)
  }

  async #lookAt(submitter: string): Promise<void> {
    const [[, isThere], [, stopped]] = (await this.#server.commands
      .pipeline()
      .exists(this.#names.submitter(submitter))
      .smembers(this.#names.stopped(submitter))
      .exec()) as [[unknown, number], [unknown, string[]]]
    if (isThere === 0) {
      this.#sessions.forget(submitter)
      for (const { id, run } of this.#active.values()) if (id.submitter === submitter) run.stopAll()
    } else if (stopped.length > 0) {
      this.#stop(submitter, stopped, true)
    }
  }

  async #report(): Promise<void> {
    const { workers } = this.#pool.stats
    const now = performance.now()
    const { at, done } = this.#rate
    const rate = now > at ? ((this.#done - done) / (now - at)) * 1000 : 0
    this.#rate = { at: now, done: this.#done }
    const { commands } = this.#server
    await report(commands, this.#names, {
      id: this.id,
      host: hostname(),
      pid: process.pid,
      node: process.versions.node,
      versions: VERSIONS,
      processes: this.#processes,
      batches: this.#active.size,
      done: this.#done,
      rate,
      workers
    })
    await commands
      .pipeline()
      .pexpire(this.#names.inbox(this.id), INBOX_MS)
      .pexpire(this.#names.keyCheck, KEY_CHECK_MS)
      .exec()
  }

  #every(ms: number, run: () => Promise<unknown>): void {
    let isRunning = false
    const timer = setInterval(() => {
      if (isRunning) return
      isRunning = true
      run()
        .catch(() => {})
        .finally(() => {
          isRunning = false
        })
    }, ms)
    this.#timers.push(timer)
  }

  async #receive(fields: readonly Buffer[]): Promise<void> {
    const letter = await openLetter(fields, this.id, this.#names, this.#signer)
    if (letter?.type === 'answer') this.#sessions.answered(letter)
    else if (letter?.type === 'stop') this.#stop(letter.from, letter.items, letter.isBegunToo)
  }

  /** Sends a letter, and again while the server is full or changes its role: the letter may contain the results of work. */
  async #post(to: string, letter: Letter, lifetime = INBOX_MS): Promise<void> {
    const fields = sealLetter(letter, to, this.#names, this.#signer)
    const giveUpAt = performance.now() + (this.#options.serverTimeout ?? SERVER_TIMEOUT_MS)
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        return await post(this.#server.commands, this.#names.inbox(to), fields, lifetime)
      } catch (error) {
        if (this.#state === 'closed' || !isTemporary(error) || performance.now() > giveUpAt) throw error
        await new Promise(resolve => setTimeout(resolve, pause))
      }
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined || this.#state === 'closed') return
    this.#failure = { error }
    void this.close({ timeout: 0 })
  }

  async #close(timeout: number): Promise<void> {
    this.#state = 'closing'
    const worker = this.#worker
    if (worker !== undefined) void worker.pause(true).catch(() => {})
    if (timeout > 0) await this.#finish(timeout)
    this.#state = 'closed'
    for (const { run } of this.#active.values()) run.stopAll()
    // A stopped batch sends what it has done; its pool sends the rest to other workers.
    if (this.#failure === undefined) await this.#finish(1000)
    for (const timer of this.#timers) clearInterval(timer)
    this.#inbox.close()
    this.#pool.terminate()
    await Promise.all([
      this.#server.close(
        () => leave(this.#server.commands, this.#names, this.id),
        async () => worker?.close(this.#jobs.size > 0 || this.#failure !== undefined)
      ),
      this.#pool.join()
    ])
    if (this.#failure === undefined) this.#settleClosed.resolve()
    else this.#settleClosed.reject(this.#failure.error)
  }

  /** Resolves once no batch is unfinished, at the latest after the timeout. */
  async #finish(timeout: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>(resolve => {
      timer = setTimeout(resolve, timeout)
    })
    const done = async () => {
      while (this.#jobs.size > 0) await Promise.all(this.#jobs)
    }
    await Promise.race([done(), deadline])
    clearTimeout(timer)
  }
}
