/**
 * What a page is told of the tasks of all pools of this process. Hearing of a task costs microseconds, so no more than MOST_A_SPAN are heard
 * of in each SPAN_MS: all of them in most programs, one in so many in those that have more.
 */
import { monotonicMs } from '../ground/os/time.ts'
import type { HeardTask, TaskAudience } from '../pool/telling/audience.ts'
import { shortened } from '../pool/telling/insights.ts'
import type { Progress } from '../pool/telling/progress.ts'
import type { TaskOutcome } from '../pool/telling/task-events.ts'
import { failureRow, type HeardFailure } from './failure.ts'
import type { FailureRow, MapRow, TaskRow, WorkerRow } from './messages.ts'

const SPAN_MS = 500
const MOST_A_SPAN = 100
/** So many tasks of each span are shown with their arguments, and more for so many milliseconds. */
const ARGS_A_SPAN = 10
const ARGS_MS = 1
/** What is kept for those who come later, and for the trace. */
const MOST_TASKS = 20_000
const MOST_FAILURES = 200
const MOST_WORKERS = 1000
const MOST_MAPS = 50

interface RunningTask extends HeardTask {
  readonly message: unknown
  readonly submit: number
  pid: number
  start: number
}

type MutableMap = { -readonly [K in keyof MapRow]: MapRow[K] }

/** Ids have 32 bits at most. A number is made faster than a text, and a task's is made three times. */
const keyOf = ({ pool, id }: HeardTask) => pool * 2 ** 32 + id

export class Recorder implements TaskAudience {
  /** Somebody looks. */
  isLooking = false
  readonly #running = new Map<number, RunningTask>()
  readonly #workers = new Map<string, WorkerRow>()
  readonly #failures: HeardFailure[] = []
  readonly #maps: MutableMap[] = []
  #tasks: TaskRow[] = []
  #failureCount = 0
  #mapCount = 0
  /** How many tasks of this span are heard of, of how many, and one in how many. */
  #heard = 0
  #asked = 0
  #share = 1
  #spanEnd = 0
  #argsMs = ARGS_MS
  #argsCount = 0
  /** What `take` has not given yet. */
  #newTasks: TaskRow[] = []
  #newWorkers: WorkerRow[] = []
  #newFailures: HeardFailure[] = []

  wants(): boolean {
    if (!this.isLooking) return false
    this.#asked++
    if (this.#heard >= MOST_A_SPAN || this.#asked % this.#share !== 0) return false
    this.#heard++
    return true
  }

  submitted(task: HeardTask, message: unknown): void {
    this.#running.set(keyOf(task), { ...task, message, submit: monotonicMs(), pid: 0, start: 0 })
  }

  started(task: HeardTask, pid: number, start: number): void {
    const running = this.#running.get(keyOf(task))
    if (running !== undefined) [running.pid, running.start] = [pid, start]
  }

  ended(task: HeardTask, pid: number, outcome: TaskOutcome, start: number | undefined, end: number | undefined): void {
    const key = keyOf(task)
    const running = this.#running.get(key)
    if (running === undefined) return
    this.#running.delete(key)
    const args = this.#argsOf(running.message)
    const times = { submit: running.submit, start: start ?? 0, end: end ?? monotonicMs() }
    const row: TaskRow = { ...task, pid, outcome, ...times, ...(args === undefined ? {} : { args }) }
    this.#tasks.push(row)
    this.#newTasks.push(row)
    if (this.#tasks.length >= MOST_TASKS * 2) this.#tasks = this.#tasks.slice(-MOST_TASKS)
  }

  failed(task: HeardTask, pid: number, error: unknown): void {
    const failure = { ...task, number: ++this.#failureCount, pid, at: monotonicMs(), error }
    this.#failures.push(failure)
    if (this.#failures.length > MOST_FAILURES) this.#failures.shift()
    if (!this.isLooking) return
    this.#newFailures.push(failure)
    if (this.#newFailures.length > MOST_FAILURES) this.#newFailures.shift()
  }

  workerStarted(pool: number, pid: number): void {
    this.#tellWorker({ pool, pid, start: monotonicMs(), end: 0, exitcode: null })
  }

  workerEnded(pool: number, pid: number, exitcode: number): void {
    const start = this.#workers.get(`${pool}:${pid}`)?.start ?? 0
    this.#tellWorker({ pool, pid, start, end: monotonicMs(), exitcode })
  }

  #tellWorker(row: WorkerRow): void {
    const key = `${row.pool}:${row.pid}`
    this.#workers.delete(key)
    this.#workers.set(key, row)
    if (this.#workers.size > MOST_WORKERS) this.#workers.delete(this.#workers.keys().next().value as string)
    if (this.isLooking) this.#newWorkers.push(row)
  }

  mapBegins(pool: number, name: string, progress: Progress | undefined): Progress {
    const row: MutableMap = {
      number: ++this.#mapCount,
      pool,
      name,
      done: 0,
      total: null,
      begin: monotonicMs(),
      end: 0
    }
    this.#maps.push(row)
    if (this.#maps.length > MOST_MAPS) this.#dropMap()
    return {
      begin: total => {
        row.total = total ?? null
        progress?.begin(total)
      },
      update: (done, total) => {
        row.done = done
        row.total = total ?? null
        progress?.update(done, total)
      },
      end: () => {
        row.end ||= monotonicMs()
        progress?.end()
      }
    }
  }

  /** The oldest one that has ended; if none has, the oldest. */
  #dropMap(): void {
    const ended = this.#maps.findIndex(({ end }) => end > 0)
    this.#maps.splice(Math.max(0, ended), 1)
  }

  get maps(): readonly MapRow[] {
    return this.#maps
  }

  /** The last tasks that have ended. */
  tasks(most = MOST_TASKS): readonly TaskRow[] {
    return this.#tasks.slice(-most)
  }

  get workers(): readonly WorkerRow[] {
    return [...this.#workers.values()]
  }

  get failures(): readonly FailureRow[] {
    return this.#failures.map(failureRow)
  }

  /** What is new since it was last asked, and what runs. */
  take(): {
    tasks: TaskRow[]
    running: TaskRow[]
    workers: WorkerRow[]
    failures: FailureRow[]
    share: number
  } {
    const [tasks, workers, failures, share] = [this.#newTasks, this.#newWorkers, this.#newFailures, this.#share]
    this.#newTasks = []
    this.#newWorkers = []
    this.#newFailures = []
    this.#nextSpan()
    const running: TaskRow[] = []
    for (const { message: _, ...task } of this.#running.values()) {
      if (task.start > 0) running.push({ ...task, outcome: 'running', end: 0 })
    }
    return { tasks, running, workers, failures: failures.map(failureRow), share }
  }

  #nextSpan(): void {
    const now = monotonicMs()
    if (now < this.#spanEnd) return
    this.#spanEnd = now + SPAN_MS
    this.#share = Math.max(1, Math.ceil(this.#asked / MOST_A_SPAN))
    this.#heard = 0
    this.#asked = 0
    this.#argsMs = ARGS_MS
    this.#argsCount = 0
  }

  /** Nobody looks any more: the arguments of tasks under way are let go of. */
  leave(): void {
    this.isLooking = false
    this.#running.clear()
    this.#newTasks = []
    this.#newWorkers = []
    this.#newFailures = []
  }

  #argsOf(message: unknown): string | undefined {
    if (this.#argsMs <= 0 && this.#argsCount >= ARGS_A_SPAN) return undefined
    this.#argsCount++
    const begin = monotonicMs()
    const text = shortened(message)
    this.#argsMs -= monotonicMs() - begin
    return text
  }
}
