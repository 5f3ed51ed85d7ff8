/** Starts a thread of the family, and learns how it ended. */
import { constants } from 'node:os' // lazy
import { inspect } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { ProcessError } from '../errors.ts'
import type { OwnerId } from './arena/process-table.ts'
import { type Family, reapAmongProcesses, stopAmongProcesses } from './family.ts' // lazy
import { Ending } from './members/ending.ts'
import type { Member } from './members/platform.ts'
import type { ThreadPlatform } from './members/thread-platform.ts'
import { inheritedExecArgv } from './os/inherited-options.ts'
import { endSetUps, SET_UP_BYTES } from './os/set-up.ts'
import { monotonicMs } from './os/time.ts'
import { fileShortage, textOfShortage } from './start-node.ts' // lazy
import type { Given } from './work.ts'

/** A blocked thread checks a thread that was stopped this often, in milliseconds. */
const LOOK_EVERY_MS = 20

/** The `workerData` of the thread's main module. */
export interface ThreadData {
  readonly id: OwnerId
  readonly buffer: SharedArrayBuffer
  /** null if the thread waits for its work. */
  readonly preparation: Uint8Array | null
  /** See os/set-up.ts. */
  readonly setUps: SharedArrayBuffer
}

/** The buffers of the threads that this one has started, and that run. */
const running = new Set<SharedArrayBuffer>()

/** Node stops them when this thread exits. */
function endAllSetUps(): void {
  for (const setUps of running) endSetUps(setUps)
}

export class ThreadMember implements Member {
  readonly id: OwnerId
  readonly pid: number
  readonly #family: Family
  readonly #worker: Worker
  readonly #ending = new Ending()
  readonly #setUps = new SharedArrayBuffer(SET_UP_BYTES)
  #exitcode: number | null = null
  #killedBy = 0
  #startFailure: ProcessError | undefined
  #references = 1

  /** @throws ProcessError if the family is full */
  constructor(family: Family, main: URL, given: Given | null) {
    const { table, self } = family
    this.#family = family
    this.id = table.claim(self)
    if (this.id === 0) throw new ProcessError('cannot start a thread: the family already has 1,023')
    const { buffer } = family.platform as ThreadPlatform
    const setUps = this.#setUps
    const workerData: ThreadData = { id: this.id, buffer, preparation: given?.preparation.slice() ?? null, setUps }
    const parcel = given?.parcel ?? 0
    if (parcel !== 0) family.shared.hold(parcel, this.id)
    try {
      this.#worker = startWorker(main, workerData)
    } catch (error) {
      if (parcel !== 0) family.shared.drop(parcel, this.id)
      table.free(this.id)
      throw error
    }
    this.pid = this.#worker.threadId
    table.setProcess(this.id, this.pid, 1)
    if (running.size === 0) process.on('exit', endAllSetUps)
    running.add(setUps)
    this.#worker.on('error', error => this.#fail(error))
    this.#worker.once('exit', code => this.#end(this.#killedBy === 0 ? code : -this.#killedBy))
  }

  get startFailure(): unknown {
    return this.#startFailure
  }

  get exitcode(): number | null {
    if (this.#exitcode === null) {
      const { table, platform } = this.#family
      if (table.hasEnded(this.id)) this.#end(table.endCode(this.id))
      // A stopped thread reports nothing, and this thread, while it blocks, does not learn of its end.
      else if (this.#killedBy !== 0 && !platform.isAlive(table, this.id)) this.#end(-this.#killedBy)
    }
    return this.#exitcode
  }

  get hasEnded(): boolean {
    return this.exitcode !== null
  }

  onEnd(listener: (exitcode: number) => void): () => void {
    return this.#ending.onEnd(listener)
  }

  waitSync(timeout: number): boolean {
    const { memory, table } = this.#family
    const end = monotonicMs() + timeout
    while (this.exitcode === null) {
      const left = end - monotonicMs()
      if (left <= 0) return false
      memory.wait(table.endedWord(this.id) * 4, 0, this.#killedBy === 0 ? left : Math.min(left, LOOK_EVERY_MS))
    }
    return true
  }

  openEnd(): number {
    return -1
  }

  /** Stops the thread, even in a busy loop. A thread gets no signals, so every signal does the same. */
  kill(signal: NodeJS.Signals): void {
    if (this.exitcode !== null || this.#killedBy !== 0) return
    this.#killedBy = constants.signals[signal]
    this.#family.table.setStopped(this.id)
    stopAmongProcesses(this.id)
    endSetUps(this.#setUps)
    void this.#worker.terminate()
  }

  ref(): void {
    if (++this.#references === 1) this.#worker.ref()
  }

  unref(): void {
    if (--this.#references === 0) this.#worker.unref()
  }

  /** Prints the error, if the thread has reported, as Node prints it for a process that an uncaught error ends. */
  #fail(error: unknown): void {
    if (this.#family.table.hasReported(this.id)) {
      console.error(`Uncaught ${inspect(error)}`)
      return
    }
    const { message } = error as Error
    const isShort = message.includes('EMFILE') || fileShortage()?.code === 'EMFILE'
    const reason = isShort ? textOfShortage('EMFILE') : message
    this.#startFailure = new ProcessError(`cannot start a thread: ${reason}`, {
      cause: error
    })
    console.error(String(this.#startFailure))
  }

  #end(exitcode: number): void {
    if (this.#exitcode !== null) return
    this.#exitcode = exitcode
    running.delete(this.#setUps)
    if (running.size === 0) process.removeListener('exit', endAllSetUps)
    this.#ending.end(exitcode, () => {
      reapAmongProcesses(this.id)
      this.#family.reap(this.id)
    })
  }
}

/**
 * Node refuses, for a thread, options that apply to the whole process; without own options, a thread has them as all threads do.
 */
function startWorker(main: URL, workerData: ThreadData): Worker {
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  try {
    return new Worker(main, { workerData, execArgv: inheritedExecArgv() })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error
    return new Worker(main, { workerData })
  }
}
