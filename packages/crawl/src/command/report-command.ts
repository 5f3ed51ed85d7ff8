import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { OutputError, reasonOf } from '../format/output.ts'
import { forTerminal } from '../format/terminal-text.ts'
import { Audit } from '../report/audit.ts'
import { type CrawlDiff, diffCrawls, isSame, type PageChange } from '../report/diff.ts'
import { htmlReport } from '../report/html-report.ts'
import { explain } from '../report/why.ts'
import { readStore } from '../store/open-store.ts'
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Context } from './crawl-command.ts'
import { UsageError } from './usage-error.ts'

/** The maximum number of lines for one kind of difference. */
const MOST_LINES = 50

/** `crawl report FILE`: writes a page of HTML. */
export async function reportCommand(file: string, { out }: { out?: string }, { stdout }: Context): Promise<boolean> {
  return await withStore(file, async store => {
    const html = htmlReport(new Audit(store))
    if (out === '-') {
      await stdout.write(html)
      return true
    }
    const path = out ?? `${file.replace(/\.(db|sqlite3?|state)$/i, '')}.html`
    await writeFile(path, html).catch(error => {
      throw new OutputError(`cannot write the report to ${JSON.stringify(path)}: ${reasonOf(error)}`, { cause: error })
    })
    await stdout.write(`${path}\n`)
    return true
  })
}

/** `crawl diff BEFORE AFTER`. */
export async function diffCommand(
  before: string,
  after: string,
  { format, exitCode = false }: { format: 'text' | 'json'; exitCode?: boolean },
  { stdout }: Context
): Promise<boolean> {
  return await withStore(before, async first =>
    withStore(after, async second => {
      const diff = diffCrawls(new Audit(first), new Audit(second))
      await stdout.write(format === 'json' ? `${JSON.stringify(diff, null, 2)}\n` : diffText(diff))
      return !exitCode || isSame(diff)
    })
  )
}

/** `crawl why FILE URL`. */
export async function whyCommand(file: string, url: string, { stdout }: Context): Promise<boolean> {
  return await withStore(file, async store => {
    const { wasFetched, lines } = explain(store, new Audit(store), url)
    await stdout.write(`${lines.map(forTerminal).join('\n')}\n`)
    return wasFetched
  })
}

async function withStore<T>(file: string, use: (store: SqliteStore) => Promise<T>): Promise<T> {
  const state = `${file}.state`
  const path = /\.(db|sqlite3?|state)$/i.test(file) || !existsSync(state) ? file : state
  if (!existsSync(path)) throw new UsageError(`cannot open ${JSON.stringify(file)}: there is no such file`)
  const store = await readStore(path)
  try {
    if (store.meta('start') === undefined)
      throw new UsageError(`cannot read ${JSON.stringify(file)}: it holds no crawl`)
    return await use(store)
  } finally {
    await store.close()
  }
}

function diffText(diff: CrawlDiff): string {
  if (isSame(diff)) return 'Both crawls found the same.\n'
  const changes = (list: readonly PageChange[]) => list.map(({ url, changes }) => `${url}  ${changes.join('; ')}`)
  const parts: [string, readonly string[]][] = [
    ['Broken now', changes(diff.broken)],
    ['Fixed', changes(diff.fixed)],
    ['Removed', diff.removed],
    ['Added', diff.added],
    ['Changed', changes(diff.changed)]
  ]
  const lines = parts
    .filter(([, items]) => items.length > 0)
    .flatMap(([name, items]) => {
      const shown = items.slice(0, MOST_LINES).map(item => `  ${forTerminal(item)}`)
      const more = items.length - shown.length
      return [`${name} (${items.length})`, ...shown, ...(more > 0 ? [`  and ${more} more`] : []), '']
    })
  return `${lines.join('\n')}\n`
}
