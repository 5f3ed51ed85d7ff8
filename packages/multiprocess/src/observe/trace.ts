/**
 * A trace in the Trace Event Format, for Perfetto and chrome://tracing: a JSON array of complete events (`ph: X`) and names (`ph:
 * M`), in microseconds. Each row is a worker process; the time between two tasks is shown as idle.
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { clearTimeout, setTimeout } from '../ground/os/time.ts'
import type { TaskEndMessage } from '../pool/telling/task-events.ts'

const FLUSH_MS = 500
const FLUSH_COUNT = 2000
/** Shorter pauses get no box, in milliseconds. */
const MIN_IDLE_MS = 0.05
/** If a worker runs several tasks at once, each further row is another thread in the trace. */
const LANE = 10_000_000

interface Row {
  /** When the last task in each lane ended. */
  readonly lanes: number[]
}

export class TraceFile {
  readonly #file: string
  readonly #isConcurrent: boolean
  readonly #rows = new Map<number, Row>()
  readonly #flushAtExit = () => this.#flush()
  #lines: string[] = []
  #isEmpty = true
  #timer: NodeJS.Timeout | undefined

  constructor(file: string, concurrency: number) {
    this.#file = file
    this.#isConcurrent = concurrency > 1
    writeFileSync(file, '[')
    this.#write({ ph: 'M', name: 'process_name', pid: process.pid, tid: 0, args: { name: 'multiprocess pool' } })
    process.once('exit', this.#flushAtExit)
  }

  add({ id, name, pid, outcome, start, end }: TaskEndMessage): void {
    if (start === undefined) return
    const last = end ?? start
    const lane = this.#lane(pid, start, last)
    const row = { pid: process.pid, tid: pid + lane * LANE }
    const label = name === '' ? 'task' : name
    this.#write({ ph: 'X', cat: 'task', name: label, ...row, ...span(start, last), args: { id, outcome } })
  }

  /** Returns the row of the worker that is free at this time. Names a new row, and adds the idle time before. */
  #lane(pid: number, start: number, end: number): number {
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
      this.#write({ ph: 'M', name: 'thread_name', pid: process.pid, tid, args: { name } })
    } else if (!this.#isConcurrent && start - row.lanes[lane] >= MIN_IDLE_MS) {
      const times = span(row.lanes[lane], start)
      this.#write({ ph: 'X', cat: 'idle', name: 'idle', cname: 'grey', pid: process.pid, tid, ...times })
    }
    row.lanes[lane] = end
    return lane
  }

  #write(event: object): void {
    this.#lines.push(JSON.stringify(event))
    if (this.#lines.length >= FLUSH_COUNT) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#lines.length === 0) return
    appendFileSync(this.#file, `${this.#isEmpty ? '' : ','}\n${this.#lines.join(',\n')}`)
    this.#isEmpty = false
    this.#lines = []
  }

  /** Closes the file. The format also allows a file without the last bracket, as it is if the program ends before this. */
  close(): void {
    this.#flush()
    process.off('exit', this.#flushAtExit)
    appendFileSync(this.#file, '\n]\n')
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
