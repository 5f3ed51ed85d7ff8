/** How many workers an elastic pool has: more while tasks wait, fewer once workers have had nothing to do for a while. */
import { clearInterval, monotonicMs, setInterval } from '../ground/os/time.ts'
import { type TaskTable, WORKER_READY } from './shared/task-table.ts'

/** Idle workers are looked for so often in an `idleTimeout`. */
const LOOKS = 4
const LEAST_LOOK_MS = 20

interface Idle {
  /** Tasks that the worker had ended when it was seen first. */
  tasks: number
  since: number
}

export class Sizing {
  /** Workers that should take tasks now. */
  wanted: number
  readonly #least: number
  readonly #most: number
  readonly #idleTimeout: number
  readonly #table: TaskTable
  readonly #idle = new Map<number, Idle>()
  #timer: NodeJS.Timeout | undefined

  constructor(least: number, most: number, idleTimeout: number, table: TaskTable) {
    this.wanted = least
    this.#least = least
    this.#most = most
    this.#idleTimeout = idleTimeout
    this.#table = table
  }

  get canGrow(): boolean {
    return this.wanted < this.#most
  }

  /**
   * Looks for idle workers from now on, as long as there are more than should stay.
   * @param places returns the places of the workers that take tasks
   * @param end ends the worker in a place
   */
  watch(places: () => Iterable<number>, end: (index: number) => void): void {
    if (this.#timer !== undefined || this.wanted <= this.#least) return
    const every = Math.max(LEAST_LOOK_MS, Math.min(this.#idleTimeout / LOOKS, 2 ** 31 - 1))
    this.#timer = setInterval(() => this.#look(places, end), every).unref()
  }

  #look(places: () => Iterable<number>, end: (index: number) => void): void {
    const now = monotonicMs()
    for (const index of [...places()]) {
      const tasks = this.#table.doneTail(index)
      const idle = this.#idle.get(index)
      const isReady = this.#table.workerStatus(index) === WORKER_READY
      if (!isReady || idle === undefined || idle.tasks !== tasks || this.#table.isBusy(index)) {
        this.#idle.set(index, { tasks, since: now })
        continue
      }
      if (now - idle.since < this.#idleTimeout || this.wanted <= this.#least || this.#table.hasReady) continue
      this.#idle.delete(index)
      this.wanted--
      end(index)
    }
    if (this.wanted <= this.#least) this.stop()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#idle.clear()
  }
}
