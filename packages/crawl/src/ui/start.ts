/** Serves the page of a crawl. */
import { type LivePage, servePage } from 'multiprocess/dashboard'
import { Crawl } from '../crawl.ts'
import { Audit } from '../report/audit.ts'
import { htmlReport } from '../report/html-report.ts'
import { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import { Board } from './board.ts'

/** Options of `startCrawlPage`. */
export interface CrawlPageOptions {
  /** The port to listen at. Default: 0, which means a free one. */
  readonly port?: number
  /** The address to listen at. With any that other machines reach, such as `0.0.0.0`, a token is needed. Default: `127.0.0.1`. */
  readonly host?: string
}

/** The page of a crawl. */
export type CrawlPage = LivePage

/**
 * Serves a page that shows a crawl while it runs: pages, rate, errors, hosts with their pauses, the frontier, the slowest pages and the
 * problems. Call it before the loop over the results. If the crawl has a store of `openStore`, the report follows when the crawl has ended.
 * The page does not keep the program alive.
 * @param pages what `crawl()` has returned
 * @throws ValueError, TypeError for options that make no sense
 * @throws MultiprocessError `ERR_CANNOT_SERVE` when the port is taken
 * @example
 * import { crawl } from 'crawl'
 * import { startCrawlPage } from 'crawl/ui'
 *
 * const pages = crawl('https://example.com/')
 * await using page = await startCrawlPage(pages)
 * console.log(`Watch it at ${page.url}`)
 * for await (const { url } of pages) console.log(url)
 */
export async function startCrawlPage(pages: Crawl, options: CrawlPageOptions = {}): Promise<CrawlPage> {
  if (!(pages instanceof Crawl)) throw new TypeError('pages must be what crawl() has returned')
  const { store, start } = pages.plan
  const board: Board = new Board(pages, () => {
    if (store instanceof SqliteStore) board.report = reportOf(store, start, board.elapsedMs)
  })
  const page = await serve(board, options)
  pages.watcher = board
  return page
}

/** The page of the command, which says itself how the crawl has ended. */
export interface CommandPage extends CrawlPage {
  /**
   * Shows the end.
   * @param summary the lines that the command shows
   * @param store has the pages for the report; null: no pages were kept
   */
  conclude(summary: readonly string[], store: SqliteStore | null): void
}

/** As `startCrawlPage`, for the command. */
export async function startCommandPage(pages: Crawl, options: CrawlPageOptions): Promise<CommandPage> {
  const board = new Board(pages, () => {})
  const page = await serve(board, options)
  pages.watcher = board
  return {
    url: page.url,
    port: page.port,
    token: page.token,
    close: () => page.close(),
    [Symbol.asyncDispose]: () => page.close(),
    conclude(summary, store) {
      board.summary = summary
      if (store !== null) board.report = reportOf(store, pages.plan.start, 0)
    }
  }
}

async function serve(board: Board, options: CrawlPageOptions): Promise<LivePage> {
  return await servePage({
    ...options,
    what: 'the page of the crawl',
    folders: [new URL('./page/', import.meta.url)],
    files: {
      '/report.html': { type: 'text/html; charset=utf-8', isWholeDocument: true, body: () => board.report },
      '/report-file.html': { type: 'text/html; charset=utf-8', saveAs: 'report.html', body: () => board.report }
    },
    hello: () => board.hello(),
    tick: isWhole => board.tick(isWhole)
  })
}

/**
 * Returns the report that `crawl report` makes.
 * @param elapsedMs the duration of this run, if the store does not know it yet
 */
function reportOf(store: SqliteStore, start: string, elapsedMs: number): string {
  const { database, counts } = store
  const known: Record<string, () => string> = {
    start: () => store.meta('start') ?? start,
    elapsedMs: () => String(Number(store.meta('elapsedMs') ?? 0) + Math.round(elapsedMs)),
    endedAt: () => (elapsedMs > 0 ? new Date().toISOString() : (store.meta('endedAt') ?? new Date().toISOString()))
  }
  return htmlReport(new Audit({ database, counts, meta: name => known[name]?.() ?? store.meta(name) }))
}
