/** A trace in a file, for Perfetto and chrome://tracing: a JSON array in the Trace Event Format. Each task is written when it ends. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { clearTimeout, setTimeout } from '../ground/os/time.ts'
import { type EndedTask, TraceRows } from './trace-rows.ts'

const FLUSH_MS = 500
const FLUSH_COUNT = 2000

export class TraceFile {
  readonly #file: string
  readonly #rows: TraceRows
  readonly #flushAtExit = () => this.#flush()
  #lines: string[] = []
  #isEmpty = true
  #timer: NodeJS.Timeout | undefined

  constructor(file: string, concurrency: number) {
    this.#file = file
    this.#rows = new TraceRows(concurrency === 1)
    writeFileSync(file, '[')
    this.#write(this.#rows.begin())
    process.once('exit', this.#flushAtExit)
  }

  add(task: EndedTask): void {
    for (const event of this.#rows.add(task)) this.#write(event)
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
