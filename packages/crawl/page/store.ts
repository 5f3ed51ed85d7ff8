/** What the page knows of the crawl. */
import type { HistoryPart, HistoryPoint } from '../src/ui/history.ts'
import type { CrawlHello, CrawlTick, ProblemRow } from '../src/ui/messages.ts'

/** As many as the server keeps. */
const MOST_PROBLEMS = 500
/** The rate of now is that of these milliseconds. */
const NOW_MS = 10_000

export class Store {
  hello: CrawlHello | undefined
  tick: CrawlTick | undefined
  /** Milliseconds that a point of `points` stands for. */
  width = 1000
  points: HistoryPoint[] = []
  /** The newest first. */
  problems: ProblemRow[] = []
  #lastNumber = 0
  #recent: { at: number; pages: number }[] = []

  begin(hello: CrawlHello): void {
    this.hello = hello
    this.points = []
    this.problems = []
    this.#lastNumber = 0
    this.#recent = []
  }

  add(tick: CrawlTick): void {
    this.tick = tick
    this.#addHistory(tick.history)
    // After a new browser has come, the server tells all of them everything.
    const added = tick.problems.filter(({ number }) => number > this.#lastNumber)
    this.#lastNumber = added.at(-1)?.number ?? this.#lastNumber
    this.problems = [...added.reverse(), ...this.problems].slice(0, MOST_PROBLEMS)
    const { elapsedMs: at, counts } = tick
    this.#recent = this.#recent.filter(({ at: before }) => before > at - NOW_MS)
    this.#recent.push({ at, pages: counts.pages })
  }

  #addHistory({ width, from, points }: HistoryPart): void {
    this.width = width
    this.points.splice(from, this.points.length, ...points)
  }

  get hasEnded(): boolean {
    const state = this.tick?.state ?? 'ready'
    return state !== 'ready' && state !== 'running'
  }

  /** Pages a second: of the last ten seconds, or of the whole crawl once it has ended. */
  get rate(): number {
    const { tick } = this
    if (tick === undefined || tick.elapsedMs === 0) return 0
    const first = this.#recent[0]
    if (!this.hasEnded && first !== undefined && tick.elapsedMs - first.at > 1000) {
      return ((tick.counts.pages - first.pages) * 1000) / (tick.elapsedMs - first.at)
    }
    return (tick.counts.pages * 1000) / tick.elapsedMs
  }
}
