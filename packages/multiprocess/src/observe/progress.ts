/**
 * How far a piece of work is: on a terminal a bar that is drawn again and again, else a plain line every two seconds. With the
 * rate, and with the time that is left where the whole is known.
 */
import { clearLine, cursorTo } from 'node:readline'
import cliProgress from 'cli-progress'

const REDRAW_MS = 100
const PLAIN_LINE_MS = 2000
const BAR_WIDTH = 30

export class ProgressLine {
  readonly #label: string
  readonly #stream: NodeJS.WriteStream
  readonly #begin = performance.now()
  readonly #timer: NodeJS.Timeout
  #done = 0
  #total: number | undefined
  #isEnded = false

  /** @param label stands before it; '' for none */
  constructor(label: string, stream: NodeJS.WriteStream) {
    this.#label = label
    this.#stream = stream
    // Nothing that only looks on keeps a program alive.
    this.#timer = setInterval(() => this.#draw(), stream.isTTY ? REDRAW_MS : PLAIN_LINE_MS).unref()
  }

  update(done: number, total: number | undefined): void {
    this.#done = done
    this.#total = total
  }

  /** Draws it a last time, and leaves the line. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#timer)
    this.#draw()
    if (this.#stream.isTTY) this.#stream.write('\n')
  }

  #draw(): void {
    const text = this.#text()
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`)
      return
    }
    cursorTo(this.#stream, 0)
    // A line that wraps could not be drawn over.
    this.#stream.write(text.slice(0, (this.#stream.columns ?? 80) - 1))
    clearLine(this.#stream, 1)
  }

  #text(): string {
    const elapsed = (performance.now() - this.#begin) / 1000
    const rate = elapsed > 0 ? this.#done / elapsed : 0
    const label = this.#label === '' ? '' : `${this.#label} `
    const speed = `${rate >= 100 ? Math.round(rate).toLocaleString('en') : rate.toFixed(1)}/s`
    const done = this.#done.toLocaleString('en')
    if (this.#total === undefined) return `${label}${done}, ${speed}, ${duration(elapsed)}`
    const left =
      this.#done >= this.#total ? `in ${duration(elapsed)}` : `${duration((this.#total - this.#done) / rate)} left`
    const progress = this.#total === 0 ? 1 : this.#done / this.#total
    const text = `${Math.floor(progress * 100)} % | ${done}/${this.#total.toLocaleString('en')} | ${speed} | ${left}`
    return this.#stream.isTTY ? `${label}${bar(progress)} ${text}` : `${label}${text}`
  }
}

function bar(progress: number): string {
  return cliProgress.Format.BarFormat(progress, {
    barsize: BAR_WIDTH,
    barGlue: '',
    barCompleteString: '█'.repeat(BAR_WIDTH + 1),
    barIncompleteString: '░'.repeat(BAR_WIDTH + 1)
  } as never)
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)}s`
  return cliProgress.Format.TimeFormat(Math.round(seconds), { autopaddingChar: '' } as never, 1)
}
