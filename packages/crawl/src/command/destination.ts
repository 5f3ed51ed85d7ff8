import { existsSync, rmSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Sink } from '../crawl.ts'
import { csvHeader, toCsvLine } from '../format/csv.ts'
import { FileOutput } from '../format/file-output.ts'
import { OutputError, openFile } from '../format/output.ts'
import { toWarc, warcInfo } from '../format/warc.ts'
import type { Plan } from '../options.ts'
import { toJsonLine } from '../result.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { openStore } from '../store/open-store.ts'
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { goOn } from './go-on.ts'

/** The destination of a crawl. */
export interface Destination {
  readonly store: Store
  /** The same store, if it can be queried for problems; null if it keeps no pages. */
  readonly pages: SqliteStore | null
  readonly sink: Sink | undefined
  /** Resolves once the file has what all machines have found so far. Absent if there is only one machine. */
  readonly whole?: () => Promise<void>
  close(): Promise<void>
}

type Format = 'database' | 'jsonl' | 'csv' | 'warc'

/** Returns the format of a file, by the ending of its name. A file with an unknown ending has lines of JSON. */
export function formatOf(path: string): Format {
  if (/\.(db|sqlite3?)$/i.test(path)) return 'database'
  if (/\.csv$/i.test(path)) return 'csv'
  return /\.warc\.gz$/i.test(path) ? 'warc' : 'jsonl'
}

/**
 * Opens the file of `--out`. A crawl that the file holds is continued. Next to a file that is not a database there is one with the state of
 * the crawl: its name ends in `.state`.
 * @param fresh true to remove first what the file holds
 * @param cluster the name of the crawl by several machines that the file belongs to. Default: it belongs to a crawl by one machine
 * @throws OutputError if the file cannot be written, or holds something else
 */
export async function openDestination(
  path: string,
  plan: Plan,
  fresh: boolean,
  cluster?: string
): Promise<Destination> {
  const format = formatOf(path)
  const isSpecial = statSync(path, { bigint: true, throwIfNoEntry: false })?.isFile() === false
  if (isSpecial) return await openStream(path)
  const statePath = format === 'database' ? path : `${path}.state`
  if (fresh) remove(statePath, path)
  else if (format !== 'database' && isFilled(path) && !existsSync(statePath)) {
    const [name, state] = [path, statePath].map(text => JSON.stringify(text))
    throw new OutputError(
      `cannot go on with ${name}: ${state}, which says what is done, does not exist; ` +
        'use another file, or start over with --fresh'
    )
  }
  // Reports that the file cannot be written under its own name, and not under the name of its state.
  if (format !== 'database') await (await FileOutput.open(path, 0, false)).close()
  const store = await openStore(statePath).catch(error => {
    throw new OutputError((error as Error).message, { cause: error })
  })
  try {
    await goOn(store, plan, path, cluster)
    if (format === 'database') return { store, pages: store, sink: undefined, close: () => store.close() }
    const output = await FileOutput.open(path, Number(store.meta('written') ?? 0))
    const sink = await toSink(format, output, path)
    return {
      store,
      pages: store,
      sink,
      async close() {
        await output.close()
        await store.close()
      }
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Opens a temporary store, to be queried for problems at the end. */
export async function openTemporary(plan: Plan): Promise<Destination> {
  const store = await openStore('')
  await goOn(store, plan, '')
  return { store, pages: store, sink: undefined, close: () => store.close() }
}

/** Returns a store in memory. */
export function inMemory(sink?: Sink): Destination {
  return { store: new MemoryStore(), pages: null, sink, async close() {} }
}

/** Writes lines of JSON to something other than a file, for example a named pipe, which holds no crawl to continue. */
async function openStream(path: string): Promise<Destination> {
  const file = await openFile(path)
  const sink: Sink = {
    wantsExchanges: false,
    async write(result) {
      await file.write(toJsonLine(result))
      return 0
    }
  }
  return { ...inMemory(sink), close: () => file.close() }
}

async function toSink(format: Format, output: FileOutput, path: string): Promise<Sink> {
  if (output.length === 0 && format === 'csv') await output.write(csvHeader())
  if (output.length === 0 && format === 'warc') await output.write(warcInfo(basename(path)))
  return {
    wantsExchanges: format === 'warc',
    async write(result, exchanges) {
      if (format === 'warc') for (const exchange of exchanges) await output.write(toWarc(exchange))
      else await output.write(format === 'csv' ? toCsvLine(result) : toJsonLine(result))
      return output.length
    }
  }
}

function isFilled(path: string): boolean {
  return (statSync(path, { bigint: true, throwIfNoEntry: false })?.size ?? 0n) > 0n
}

function remove(statePath: string, path: string): void {
  for (const ending of ['', '-wal', '-shm']) rmSync(statePath + ending, { force: true })
  rmSync(path, { force: true })
}
