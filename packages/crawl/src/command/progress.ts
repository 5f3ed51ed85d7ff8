import { clearLine, cursorTo } from 'node:readline'
import { count, seconds } from '../format/text.ts'
import type { CrawlStats } from '../stats.ts'

const REDRAW_MS = 100
const PLAIN_LINE_MS = 2000

/** Shows the progress of a crawl: on a terminal, one line that is redrawn; elsewhere, a plain line every two seconds. */
export class Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #label: string
  readonly #stats: () => CrawlStats
  readonly #begin = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor(stream: NodeJS.WriteStream, label: string, stats: () => CrawlStats) {
    this.#stream = stream
    this.#label = label
    this.#stats = stats
    this.#timer = setInterval(() => this.draw(), stream.isTTY ? REDRAW_MS : PLAIN_LINE_MS).unref()
    if (stream.isTTY) this.draw()
  }

  draw(): void {
    const text = `${this.#label}${describe(this.#stats(), performance.now() - this.#begin)}`
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`)
      return
    }
    cursorTo(this.#stream, 0)
    // A line that wraps could not be redrawn.
    this.#stream.write(text.slice(0, this.#stream.columns - 1))
    clearLine(this.#stream, 1)
  }

  /** Removes the line, so that something else can be written; the next `draw()` restores it. */
  clear(): void {
    if (!this.#stream.isTTY) return
    cursorTo(this.#stream, 0)
    clearLine(this.#stream, 0)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.clear()
  }
}

function describe({ pages, queued, errors, crawlDelayMs }: CrawlStats, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? ((pages * 1000) / elapsedMs).toFixed(1) : '0.0'
  const parts = [count(pages, 'page'), `${queued} queued`, `${rate} pages/s`, count(errors, 'error')]
  if (crawlDelayMs > 0) parts.push(`robots.txt asks for ${seconds(crawlDelayMs)} between requests`)
  return parts.join(', ')
}
