/** Starts a process of the family, and learns how it ended. */
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os' // lazy
import { fileURLToPath } from 'node:url'
import { MultiprocessError, ProcessError } from '../errors.ts'
import type { OwnerId } from './arena/process-table.ts'
import type { Family } from './family.ts'
import { Lifeline } from './lifeline.ts'
import { Ending } from './members/ending.ts'
import type { Member } from './members/platform.ts'
import type { ProcessPlatform } from './members/process-platform.ts'
import { storeMessage } from './message-blocks.ts'
import { inheritedExecArgv } from './os/inherited-options.ts'
import { processStatus, UNKNOWN_START } from './os/process-status.ts'
import { answering } from './os/report-signal.ts'
import { system, systemError } from './os/system.ts'
import { monotonicMs } from './os/time.ts'
import { startNode } from './start-node.ts'
import type { Given } from './work.ts'

const POLLIN = 1
const ESRCH = 3
const EINTR = 4
const ECHILD = 10
const P_PID = 1
const WNOHANG = 1
const WEXITED = 4
const WNOWAIT = 0x01000000
const CLD_EXITED = 1
// siginfo_t in 32-bit words, on 64-bit Linux.
const SI_CODE = 2
const SI_PID = 4
const SI_STATUS = 6

export class ProcessMember implements Member {
  readonly id: OwnerId
  readonly pid: number
  readonly startFailure = undefined
  readonly #family: Family
  readonly #process: ChildProcess
  readonly #ending = new Ending()
  #isCollected = false
  #exitcode: number | null = null
  #references = 1
  readonly #lifeline: Lifeline | undefined

  /**
   * Starts `node main id parent-pid block length has-more has-lifeline`. The block, which belongs to the child, holds
   * `preparation`, and more if parts follow it; with a length of 0, the child waits for its work.
   * @throws ProcessError if the system refuses
   */
  constructor(family: Family, main: URL, given: Given | null) {
    const { table, arena, self } = family
    const { fd } = family.platform as ProcessPlatform
    this.#family = family
    this.id = table.claim(self)
    if (this.id === 0) throw new ProcessError('cannot start a process: the family already has 1,023')
    const parcel = given?.parcel ?? 0
    const lifeline = Lifeline.open()
    try {
      const length = given?.preparation.length ?? 0
      const at = given === null ? 0 : storeMessage(family, given.preparation, 0, length, given.behind, this.id)
      if (parcel !== 0) family.shared.hold(parcel, this.id)
      const numbers = [this.id, process.pid, at, length, given?.behind ? 1 : 0, lifeline === undefined ? 0 : 1]
      const argv = [...inheritedExecArgv(), fileURLToPath(main), ...numbers.map(String)]
      this.#process = startNode(argv, lifeline === undefined ? [fd] : [fd, lifeline.end])
      lifeline?.hang(this.#process.pid as number)
    } catch (error) {
      lifeline?.cut()
      arena.freeAllOf(this.id)
      if (parcel !== 0) family.shared.drop(parcel, this.id)
      table.free(this.id)
      if (error instanceof MultiprocessError) throw error
      throw new ProcessError(`cannot start ${process.execPath}: ${(error as Error).message}`, { cause: error })
    } finally {
      lifeline?.release()
    }
    this.#lifeline = lifeline
    this.pid = this.#process.pid as number
    this.#register()
    this.#process.once('exit', (code, signal) => this.#end(code ?? -constants.signals[signal as NodeJS.Signals]))
  }

  get exitcode(): number | null {
    if (this.#exitcode === null) this.#look()
    return this.#exitcode
  }

  get hasEnded(): boolean {
    return this.exitcode !== null || this.#isCollected
  }

  onEnd(listener: (exitcode: number) => void): () => void {
    return this.#ending.onEnd(listener)
  }

  waitSync(timeout: number): boolean {
    if (this.hasEnded) return true
    const { pidfd_open, poll, close, errno } = system()
    const pidfd = pidfd_open(this.pid)
    if (pidfd < 0) {
      if (errno() === ESRCH) return true
      throw systemError('pidfd_open')
    }
    try {
      const end = monotonicMs() + timeout
      for (;;) {
        const left = Math.min(Math.max(0, end - monotonicMs()), 0x7fffffff)
        const ready = answering(() => {
          const count = poll(new Int32Array([pidfd, POLLIN]), 1, Math.ceil(left))
          if (count < 0 && errno() !== EINTR) throw systemError('poll')
          return count < 0 ? 'interrupted' : count
        })
        if (ready === 'interrupted') continue
        if (ready > 0) break
        if (monotonicMs() >= end) return false
      }
    } finally {
      close(pidfd)
    }
    this.#look()
    return true
  }

  openEnd(): number {
    return this.hasEnded ? -1 : system().pidfd_open(this.pid)
  }

  kill(signal: NodeJS.Signals): void {
    if (this.exitcode === null) this.#process.kill(signal)
  }

  ref(): void {
    if (++this.#references === 1) this.#process.ref()
  }

  unref(): void {
    if (--this.#references === 0) this.#process.unref()
  }

  #register(): void {
    let startTime = UNKNOWN_START
    try {
      startTime = processStatus(this.pid)?.startTime ?? UNKNOWN_START
    } catch {
      // No file descriptor is left: the pid alone has to identify the process.
    }
    this.#family.table.setProcess(this.id, this.pid, startTime)
  }

  /** Asks the kernel, which knows of the end before the event loop does; the event loop still waits for the child. */
  #look(): void {
    const { waitid, errno } = system()
    const info = new Int32Array(32)
    if (waitid(P_PID, this.pid, info, WEXITED | WNOHANG | WNOWAIT) < 0) {
      // The event loop has waited for the child already, and is about to report how it ended.
      if (errno() === ECHILD) this.#isCollected = true
    } else if (info[SI_PID] !== 0) {
      this.#end(info[SI_CODE] === CLD_EXITED ? info[SI_STATUS] : -info[SI_STATUS])
    }
  }

  #end(exitcode: number): void {
    if (this.#exitcode !== null) return
    this.#exitcode = exitcode
    this.#lifeline?.cut()
    this.#ending.end(exitcode, () => this.#family.reap(this.id))
  }
}
