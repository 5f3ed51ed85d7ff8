/** A pool's presence on the server: its inbox, its signs of life, and what it knows of the machines. */
import { randomBytes } from 'node:crypto'
import { Queue } from 'bullmq'
import { checkSettings, KEY_CHECK_MS } from '../redis/checks.ts'
import { Inbox, post } from '../redis/inbox.ts'
import { SERVER_TIMEOUT_MS, Server } from '../redis/server.ts'
import { type Letter, openLetter, sealLetter } from '../wire/letters.ts'
import { type Names, namesOf, PREFIX } from '../wire/names.ts'
import { Signer } from '../wire/signature.ts'
import { CodeStore } from './code.ts'
import { Dispatch } from './dispatch.ts'
import { type MachineReport, REPORT_MS, readMachines } from './machines.ts'
import { EXPIRE_MS, type RemotePoolOptions } from './options.ts'

const SWEEP_MS = 1000
const EVENTS_KEPT = 1000
/** More arguments of one command might not fit on the stack. */
const MOST_STOPPED = 1000

export class Submitter {
  readonly id = randomBytes(8).toString('hex')
  readonly dispatch: Dispatch
  machines: readonly MachineReport[] = []
  /** The number of batches that no worker has taken. */
  queued = 0
  readonly #names: Names
  readonly #signer: Signer
  readonly #server: Server
  readonly #queue: Queue
  readonly #inbox: Inbox
  readonly #store: CodeStore
  readonly #lifetime: number
  readonly #timers: NodeJS.Timeout[] = []
  readonly #fail: (error: unknown) => void
  #isClosed = false

  /**
   * @param fail called once nothing can be sent any more
   * @param changed called when the number of pending items has changed
   * @throws the errors of ClusterPool's constructor
   */
  constructor(options: RemotePoolOptions, fail: (error: unknown) => void, changed: () => void) {
    this.#names = namesOf(options.name)
    this.#signer = new Signer(options.key ?? process.env['MULTIPROCESS_KEY'])
    this.#lifetime = options.expire ?? EXPIRE_MS
    this.#fail = fail
    this.#server = new Server(options, fail)
    const { commands } = this.#server
    this.#queue = new Queue(this.#names.queue, {
      connection: commands,
      prefix: PREFIX,
      telemetry: options.telemetry,
      streams: { events: { maxLen: EVENTS_KEPT } },
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true }
    })
    this.#queue.on('error', () => {})
    this.#store = new CodeStore(commands, this.#names, this.#lifetime)
    this.dispatch = new Dispatch({
      id: this.id,
      names: this.#names,
      signer: this.#signer,
      redis: commands,
      queue: this.#queue,
      store: this.#store,
      serverTimeout: options.serverTimeout ?? SERVER_TIMEOUT_MS,
      lifetime: this.#lifetime,
      stop: (items, isBegunToo) => void this.#stop(items, isBegunToo).catch(() => {}),
      changed
    })
    this.#inbox = new Inbox(this.#server, this.#names.inbox(this.id), fields => this.#receive(fields))
    void this.#start()
  }

  /** Tells whether there is work: then the inbox is read, and the program stays alive. */
  work(isBusy: boolean): void {
    if (this.#isClosed) return
    this.#server.hold(isBusy)
    this.#inbox.listen(isBusy)
  }

  async #start(): Promise<void> {
    const { commands } = this.#server
    try {
      await this.#alive()
      await checkSettings(commands, this.#names, this.#signer, message => process.emitWarning(message))
      await this.#look()
    } catch (error) {
      if (!this.#isClosed) this.#fail(error)
      return
    }
    if (this.#isClosed) return
    // A server that was restarted may have forgotten.
    commands.on('ready', () => void this.#alive().catch(() => {}))
    this.#every(this.#lifetime / 4, () => this.#alive())
    this.#every(REPORT_MS, () => this.#look())
    this.#every(SWEEP_MS, () => this.dispatch.sweep())
    this.dispatch.start()
  }

  /** Runs a function regularly, one run after another; a run that fails is repeated the next time. */
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
    this.#timers.push(timer.unref())
  }

  /** Sends a sign of life for everything that would expire without one. */
  async #alive(): Promise<void> {
    const names = this.#names
    const pipeline = this.#server.commands.pipeline()
    pipeline.set(names.submitter(this.id), process.pid, 'PX', this.#lifetime)
    pipeline.pexpire(names.keyCheck, KEY_CHECK_MS)
    const keys = [names.inbox(this.id), ...this.#store.keys, ...this.dispatch.payloads]
    for (const key of keys) pipeline.pexpire(key, this.#lifetime)
    await pipeline.exec()
  }

  async #look(): Promise<void> {
    const { commands } = this.#server
    const [machines, queued] = await Promise.all([
      readMachines(commands, this.#names),
      commands.llen(`${PREFIX}:${this.#names.queue}:wait`)
    ])
    this.machines = machines
    this.queued = queued
    this.dispatch.processes = machines.reduce((sum, { processes }) => sum + processes, 0)
  }

  async #receive(fields: readonly Buffer[]): Promise<void> {
    const letter = await openLetter(fields, this.id, this.#names, this.#signer)
    switch (letter?.type) {
      case 'results':
        return this.dispatch.results(letter)
      case 'lost':
        return this.dispatch.lost(letter)
      case 'need':
        return this.dispatch.need(letter)
      case 'refused':
        return this.dispatch.refused(letter)
      case 'ask':
        return this.#post(letter.from, { type: 'answer', nonce: letter.nonce, ...this.dispatch.current })
      default:
    }
  }

  async #post(to: string, letter: Letter): Promise<void> {
    const fields = sealLetter(letter, to, this.#names, this.#signer)
    await post(this.#server.commands, this.#names.inbox(to), fields, this.#lifetime)
  }

  /** Tells the machines to stop items, through a key that they read between items, and through hints to those that run the items now. */
  async #stop(items: string[], isBegunToo: boolean): Promise<void> {
    const key = this.#names.stopped(this.id)
    if (isBegunToo) {
      const pipeline = this.#server.commands.pipeline()
      for (let at = 0; at < items.length; at += MOST_STOPPED) pipeline.sadd(key, ...items.slice(at, at + MOST_STOPPED))
      await pipeline.pexpire(key, this.#lifetime).exec()
    }
    await Promise.all(this.machines.map(({ id }) => this.#post(id, { type: 'stop', from: this.id, items, isBegunToo })))
  }

  /** Leaves the server: nothing of this pool stays there for longer than the pool's lifetime. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const timer of this.#timers) clearInterval(timer)
    const names = this.#names
    await this.#server.close(
      () => this.#server.commands.del(names.submitter(this.id), names.inbox(this.id), names.stopped(this.id)),
      () => this.#queue.close()
    )
    this.#inbox.close()
  }
}
