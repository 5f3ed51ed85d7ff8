import { forTerminal } from '../format/terminal-text.ts'
import { byteSize, count, seconds } from '../format/text.ts'
import type { PageResult } from '../result.ts'
import type { CrawlStats } from '../stats.ts'

/** What a summary shows besides the crawl's own counts. */
export interface Circumstances {
  /** The number of pages of earlier runs. Default: 0. */
  earlier?: number
  /** The requested minimum time between two requests, in milliseconds. Default: 0. */
  delayMs?: number
  /** The load of the processors, from 0 to 1. Default: 0. */
  load?: number
}

/** Above this load, the crawl is limited by the processors. */
const BUSY = 0.85
/** A server that answers faster than this limits no crawl. */
const SLOW_ANSWER_MS = 200
/** A crawl shorter than this gets no line about what limited it. */
const SHORT_MS = 1000

/** Counts results by their outcome. */
export class Summary {
  readonly #errors = new Map<string, number>()

  add({ error }: PageResult): void {
    if (error === null) return
    // The rest of the message is about the single page: its address, its type.
    const kind = forTerminal(error.split(/: | \(/, 1)[0])
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
  }

  /**
   * @param elapsedMs the duration of the crawl
   * @param ending the reason why the crawl ended before all pages were visited; null if it did not
   * @returns the lines to show at the end
   */
  lines(stats: CrawlStats, elapsedMs: number, ending: string | null, circumstances: Circumstances = {}): string[] {
    const { earlier = 0 } = circumstances
    const rate = ((stats.pages * 1000) / elapsedMs).toFixed(1)
    const more = earlier > 0 ? `, ${count(earlier, 'page')} before` : ''
    const size = byteSize(stats.bytes)
    const lines = [`${count(stats.pages, 'page')} in ${seconds(elapsedMs)} (${rate} pages/s), ${size}${more}`]
    const kinds = [...this.#errors].sort((a, b) => b[1] - a[1])
    const width = String(stats.pages).length
    if (kinds.length > 0) lines.push(`  ${String(stats.pages - stats.errors).padStart(width)} without error`)
    for (const [kind, number] of kinds) lines.push(`  ${String(number).padStart(width)} ${kind}`)
    if (stats.disallowed > 0)
      lines.push(`Not asked for, as robots.txt disallows it: ${count(stats.disallowed, 'page')}`)
    lines.push(...trapLines(stats))
    const bound = boundOf(stats, circumstances)
    if (bound !== null && elapsedMs >= SHORT_MS) lines.push(`Limited by: ${bound}`)
    if (ending !== null) lines.push(`${ending}; ${count(stats.queued, 'known page')} not visited`)
    return lines
  }
}

/** Returns a line for each kind of link that was cut because the site seems to generate such links endlessly. */
export function trapLines({ traps }: CrawlStats): string[] {
  return traps.map(
    ({ kind, links, example }) =>
      `Cut as a trap (${kind}): ${count(links, 'link')}, such as ${forTerminal(example)}; --traps follow takes them`
  )
}

/** Returns what limits a crawl most; null if nothing stands out. */
export function boundOf(stats: CrawlStats, { delayMs = 0, load = 0 }: Circumstances): string | null {
  if (stats.crawlDelayMs > 0) return `robots.txt asks for ${seconds(stats.crawlDelayMs)} between requests`
  if (delayMs > 0 && delayMs >= stats.throttleMs) return `--rate or --delay, ${seconds(delayMs)} between requests`
  if (load >= BUSY) return `processor ${Math.round(load * 100)} %`
  const p95 = `server p95 ${stats.latencyP95Ms} ms`
  if (stats.throttleMs > 0) return `${p95}, so ${seconds(stats.throttleMs)} between requests`
  return stats.latencyP95Ms >= SLOW_ANSWER_MS ? p95 : null
}
