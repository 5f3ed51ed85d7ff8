/**
 * Tasks as events of the Trace Event Format: complete events (`ph: X`) and names (`ph: M`), in microseconds. Each row is a worker process;
 * the time between two tasks is shown as idle.
 */
import type { TaskEndMessage } from '../pool/telling/task-events.ts'

/** Shorter pauses get no box, in milliseconds. */
const MIN_IDLE_MS = 0.05
/** If a worker runs several tasks at once, each further row is another thread in the trace. */
const LANE = 10_000_000

interface Row {
  /** When the last task in each lane ended. */
  readonly lanes: number[]
}

export type EndedTask = Omit<TaskEndMessage, 'pool' | 'outcome'> & { readonly outcome: string }

export class TraceRows {
  readonly #isIdleShown: boolean
  readonly #rows = new Map<number, Row>()

  /** @param isIdleShown false if workers run several tasks at once, or if not all tasks are known */
  constructor(isIdleShown: boolean) {
    this.#isIdleShown = isIdleShown
  }

  /** Returns the first event of a trace. */
  begin(): object {
    return { ph: 'M', name: 'process_name', pid: process.pid, tid: 0, args: { name: 'multiprocess pool' } }
  }

  /** Returns the events of the task: its own is the last one. A task that no worker began has none. */
  add({ id, name, pid, outcome, start, end }: EndedTask): object[] {
    if (start === undefined || start === 0) return []
    const last = end ?? start
    const events: object[] = []
    const row = { pid: process.pid, tid: pid + this.#lane(pid, start, last, events) * LANE }
    const label = name === '' ? 'task' : name
    events.push({ ph: 'X', cat: 'task', name: label, ...row, ...span(start, last), args: { id, outcome } })
    return events
  }

  /** Returns the row of the worker that is free at this time. Names a new row, and adds the idle time before. */
  #lane(pid: number, start: number, end: number, events: object[]): number {
    let row = this.#rows.get(pid)
    if (row === undefined) {
      row = { lanes: [] }
      this.#rows.set(pid, row)
    }
    const free = row.lanes.findIndex(last => last <= start)
    const lane = free < 0 ? row.lanes.length : free
    const tid = pid + lane * LANE
    if (lane === row.lanes.length) {
      const name = lane === 0 ? `worker ${pid}` : `worker ${pid}, task ${lane + 1}`
      events.push({ ph: 'M', name: 'thread_name', pid: process.pid, tid, args: { name } })
    } else if (this.#isIdleShown && start - row.lanes[lane] >= MIN_IDLE_MS) {
      const times = span(row.lanes[lane], start)
      events.push({ ph: 'X', cat: 'idle', name: 'idle', cname: 'grey', pid: process.pid, tid, ...times })
    }
    row.lanes[lane] = end
    return lane
  }
}

/**
 * Returns a span in microseconds, rounded to eighths: adjacent boxes in a row must not overlap, and for such numbers the sum of
 * begin and duration, which viewers compare with the next begin, is exact.
 */
function span(start: number, end: number): { ts: number; dur: number } {
  const [from, to] = [Math.round(start * 8000), Math.round(end * 8000)]
  return { ts: from / 8, dur: (to - from) / 8 }
}
