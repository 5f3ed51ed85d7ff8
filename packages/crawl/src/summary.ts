import { byteSize, count, seconds } from './format/text.ts'
import type { PageResult } from './result.ts'
import type { CrawlStats } from './stats.ts'

/** Counts results by what became of them. */
export class Summary {
  readonly #errors = new Map<string, number>()

  add({ error }: PageResult): void {
    if (error === null) return
    // What follows is about the one page: its address, its type.
    const kind = error.split(/: | \(/, 1)[0]
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
  }

  /**
   * @param elapsedMs what the crawl took
   * @param ending why the crawl ended before all pages were visited; null when it did not
   * @returns lines to show at the end
   */
  lines(stats: CrawlStats, elapsedMs: number, ending: string | null): string[] {
    const rate = ((stats.pages * 1000) / elapsedMs).toFixed(1)
    const lines = [`${count(stats.pages, 'page')} in ${seconds(elapsedMs)} (${rate} pages/s), ${byteSize(stats.bytes)}`]
    const kinds = [...this.#errors].sort((a, b) => b[1] - a[1])
    const width = String(stats.pages).length
    if (kinds.length > 0) lines.push(`  ${String(stats.pages - stats.errors).padStart(width)} without error`)
    for (const [kind, number] of kinds) lines.push(`  ${String(number).padStart(width)} ${kind}`)
    if (stats.disallowed > 0)
      lines.push(`Not asked for, as robots.txt disallows it: ${count(stats.disallowed, 'page')}`)
    if (ending !== null) lines.push(`${ending}; ${count(stats.queued, 'known page')} not visited`)
    return lines
  }
}
