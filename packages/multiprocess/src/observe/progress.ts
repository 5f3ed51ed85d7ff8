/**
 * The progress of a piece of work: on a terminal, a bar that is redrawn; elsewhere, a plain line every two seconds. It shows the
 * rate and, if the total is known, the remaining time.
 */
import cliProgress from 'cli-progress'
import { clearInterval, monotonicMs, setInterval } from '../ground/os/time.ts'
import { duration } from './duration.ts'
import { Screen } from './screen.ts'

const REDRAW_MS = 100
const PLAIN_LINE_MS = 2000
const BAR_WIDTH = 30
/** A bar that would be shorter is not drawn. */
const LEAST_BAR_WIDTH = 5

export class ProgressLine {
  readonly #label: string
  readonly #stream: NodeJS.WriteStream
  readonly #screen: Screen | undefined
  readonly #begin = monotonicMs()
  readonly #timer: NodeJS.Timeout
  #done = 0
  #total: number | undefined
  #isEnded = false
  /**
   * The time and the count of the first progress. The estimate of the remaining time starts here, and so leaves out the start of
   * the workers.
   */
  #first: { readonly at: number; readonly done: number } | undefined

  /** @param label text before the bar; '' for none */
  constructor(label: string, stream: NodeJS.WriteStream) {
    // A label is a part of one line.
    this.#label = label.replaceAll(/[\x00-\x1f\x7f]+/g, ' ')
    this.#stream = stream
    this.#screen = stream.isTTY ? Screen.of(stream) : undefined
    this.#screen?.add(this)
    // A display does not keep the program alive.
    this.#timer = setInterval(() => this.#draw(), stream.isTTY ? REDRAW_MS : PLAIN_LINE_MS).unref()
  }

  update(done: number, total: number | undefined): void {
    this.#done = done
    this.#total = total
    if (done > 0) this.#first ??= { at: monotonicMs(), done }
  }

  /** Draws the line a last time, and moves on to the next line. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#timer)
    if (this.#screen !== undefined) this.#screen.end(this)
    else this.#draw()
  }

  #draw(): void {
    if (this.#screen !== undefined) this.#screen.draw()
    else this.#stream.write(`${this.textFor(Number.POSITIVE_INFINITY)}\n`)
  }

  /** Returns the line in at most this many columns, if possible; the bar is the first part to be left out. */
  textFor(columns: number): string {
    const elapsed = (monotonicMs() - this.#begin) / 1000
    const rate = this.#rate(elapsed)
    const label = this.#label === '' ? '' : `${this.#label} `
    const speed = rate === 0 ? [] : [`${rate >= 100 ? Math.round(rate).toLocaleString('en') : rate.toFixed(1)}/s`]
    const done = this.#done.toLocaleString('en')
    const total = this.#total
    if (total === undefined) return label + [done, ...speed, duration(elapsed)].join(', ')
    const progress = total === 0 ? 1 : this.#done / total
    const time =
      this.#done >= total
        ? `in ${duration(elapsed)}`
        : rate === 0
          ? duration(elapsed)
          : `${duration((total - this.#done) / rate)} left`
    const text = [`${Math.floor(progress * 100)} %`, `${done}/${total.toLocaleString('en')}`, ...speed, time].join(
      ' | '
    )
    if (this.#screen === undefined) return label + text
    const width = Math.min(BAR_WIDTH, columns - label.length - text.length - 1)
    return width < LEAST_BAR_WIDTH ? label + text : `${label}${bar(progress, width)} ${text}`
  }

  /** Returns the rate per second; 0 if it is not known yet. */
  #rate(elapsed: number): number {
    if (this.#isEnded) return elapsed > 0 ? this.#done / elapsed : 0
    if (this.#first === undefined || this.#done === this.#first.done) return 0
    return ((this.#done - this.#first.done) * 1000) / (monotonicMs() - this.#first.at)
  }
}

function bar(progress: number, width: number): string {
  return cliProgress.Format.BarFormat(progress, {
    barsize: width,
    barGlue: '',
    barCompleteString: '█'.repeat(width + 1),
    barIncompleteString: '░'.repeat(width + 1)
  } as never)
}
