/**
 * The time within which a child must report that it runs: see report-word.ts. A late child is killed, and the processes that wait
 * for it get the reason.
 */
import { loadavg } from 'node:os' // lazy
import { ProcessError } from '../errors.ts'
import type { Family } from '../ground/family.ts'
import type { Member } from '../ground/members/platform.ts'
import { cpuCount } from '../ground/os/processors.ts' // lazy
import { monotonicMs } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'

const START_MS = 30_000

/** Returns the default deadline in milliseconds, which grows with the load of the machine. */
export function usualStartTimeout(): number {
  return Math.round(START_MS * Math.max(1, loadavg()[0] / cpuCount()))
}

export class Deadline {
  readonly #family: Family
  readonly #child: Member
  readonly #name: string
  readonly #timeout: number
  readonly #due: number
  readonly #stop: () => void
  readonly #onLate: (error: ProcessError) => void
  #isOver = false
  #error: ProcessError | undefined

  /**
   * @param timeout milliseconds from now; Infinity for no deadline
   * @param onLate runs when the child is killed because it is late
   */
  constructor(
    { family, child, name }: { family: Family; child: Member; name: string },
    timeout: number,
    onLate: (error: ProcessError) => void
  ) {
    this.#family = family
    this.#child = child
    this.#name = name
    this.#timeout = timeout
    this.#due = monotonicMs() + timeout
    this.#onLate = onLate
    this.#stop = startTimer(() => this.check(), timeout, false)
    child.onEnd(() => this.#end())
  }

  /** Milliseconds until a blocked thread has to call `check`; Infinity if it need not. */
  get left(): number {
    return this.#isOver || this.#hasReported() ? Number.POSITIVE_INFINITY : Math.max(0, this.#due - monotonicMs())
  }

  /** The reason why the child was killed; undefined if it was in time, as far as is known. */
  get error(): ProcessError | undefined {
    return this.#error
  }

  /** Kills the child if it is late. */
  check(): void {
    if (this.#isOver || monotonicMs() < this.#due) return
    const isLate = !this.#hasReported() && !this.#child.hasEnded
    this.#end()
    if (!isLate) return
    this.#error = new ProcessError(
      `cannot start ${this.#name}: it did not report within ${Math.round(this.#timeout)} ms (startTimeout), and was killed; ` +
        'see what it prints, and what --import, --require and NODE_OPTIONS load in it',
      { code: 'ERR_WORKER_START' }
    )
    this.#child.kill('SIGKILL')
    this.#onLate(this.#error)
  }

  #hasReported(): boolean {
    return this.#family.table.hasReported(this.#child.id)
  }

  #end(): void {
    this.#isOver = true
    this.#stop()
  }
}
