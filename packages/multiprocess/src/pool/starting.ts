/** The starts of a pool's workers: which of them are late, and what is told when none succeeds. */
import { constants } from 'node:os' // lazy
import { MultiprocessError } from '../errors.ts'
import type { Family } from '../ground/family.ts'
import { clearTimeout, monotonicMs, setTimeout } from '../ground/os/time.ts'
import type { Started } from '../process/start.ts'

/** A start that has failed. */
export interface FailedStart {
  readonly exitcode: number
  /** Whether this pool killed it, since it did not report in time. */
  readonly wasLate: boolean
  /** What it could not start for, if that is known. */
  readonly why: unknown
}

function causeOf({ exitcode, wasLate, why }: FailedStart): string {
  if (wasLate) return 'too late'
  if (why !== undefined) return 'not started'
  return exitcode < 0 ? signalName(-exitcode) : `exit code ${exitcode}`
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`
}

export class Starting {
  readonly #family: Family
  readonly #timeout: number
  /** By worker, on the clock of monotonicMs: when it must have attached to the family's memory. */
  readonly #due = new Map<Started, number>()
  readonly #late = new Set<Started>()
  #timer: NodeJS.Timeout | undefined
  #firstFailure = 0
  #failures = 0
  /** What ended the starts that failed, and how many of them. */
  readonly #causes = new Map<string, number>()

  /** @param timeout milliseconds that a worker has */
  constructor(family: Family, timeout: number) {
    this.#family = family
    this.#timeout = timeout
  }

  /** The worker has just been started. */
  watch(worker: Started): void {
    if (this.#timeout === Number.POSITIVE_INFINITY) return
    this.#due.set(worker, monotonicMs() + this.#timeout)
    this.#setTimer()
  }

  /** Kills the workers that are late: their ends are told as those of others. A thread that blocks has to call this. */
  check(): void {
    const now = monotonicMs()
    for (const [worker, due] of this.#due) {
      if (this.#family.table.isLive(worker.id)) {
        this.#due.delete(worker)
      } else if (due <= now) {
        this.#due.delete(worker)
        this.#late.add(worker)
        worker.kill('SIGKILL')
      }
    }
  }

  /** The worker has ended. @returns true if it was killed because it was late */
  forget(worker: Started): boolean {
    this.#due.delete(worker)
    return this.#late.delete(worker)
  }

  hasFailed(failed: FailedStart): void {
    if (this.#failures++ === 0) this.#firstFailure = monotonicMs()
    const cause = causeOf(failed)
    this.#causes.set(cause, (this.#causes.get(cause) ?? 0) + 1)
  }

  hasWorked(): void {
    this.#failures = 0
    this.#causes.clear()
  }

  /** @param reason what the last worker said itself; undefined: nothing */
  failure(reason: unknown, failed: FailedStart): unknown {
    if (reason !== undefined) return reason
    const { exitcode, wasLate, why } = failed
    const how = exitcode < 0 ? `was killed by ${signalName(-exitcode)}` : `ended with exit code ${exitcode}`
    const late = `did not report for work within ${Math.round(this.#timeout)} ms (startTimeout)`
    const last = why === undefined ? (wasLate ? late : how) : `did not start (${(why as Error).message})`
    const seconds = ((monotonicMs() - this.#firstFailure) / 1000).toFixed(1)
    const causes = [...this.#causes].map(([cause, count]) => `${count} ${cause}`)
    return new MultiprocessError(
      `cannot start the pool's workers: ${this.#failures} starts failed in ${seconds} s, and the last worker ${last}; ` +
        `by cause: ${causes.join(', ')}; see what they print, or what else ends processes here`,
      { code: 'ERR_WORKER_START', cause: why }
    )
  }

  #setTimer(): void {
    if (this.#timer !== undefined) return
    const [due] = this.#due.values()
    if (due === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.check()
        this.#setTimer()
      },
      Math.min(Math.max(1, due - monotonicMs()), 2 ** 31 - 1)
    ).unref()
  }

  /** No worker is started any more. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#due.clear()
  }
}
