import { createHash } from 'node:crypto'
import { OutputError } from '../format/output.ts'
import type { Plan } from '../options.ts'
import type { SharedStore } from '../store/shared-store.ts'
import { Collector } from './collector.ts'
import { type Destination, formatOf, inMemory, openDestination } from './destination.ts'
import { UsageError } from './usage-error.ts'

const LEASE_MS = 30_000

/** The part of `multiprocess-cluster/frontier` that this program uses. */
interface Frontier {
  RedisStore: new (options: { url: string; name: string; limit: number; lease?: number }) => SharedStore
}

/** The options of the destination, as they were given. */
export interface ClusterFlags {
  name?: string
  /** Milliseconds. */
  lease?: number
  out?: string
  fresh?: boolean
}

/**
 * Takes part in a crawl by several machines. The server has its frontier and its results; the file of `--out` gets the results of all
 * machines.
 * @throws UsageError if the options are invalid; OutputError if the package for clusters is not installed
 */
export async function openCluster(url: string, flags: ClusterFlags, plan: Plan): Promise<Destination> {
  const { name = nameOf(plan.start), lease = LEASE_MS, out, fresh = false } = flags
  if (out !== undefined && formatOf(out) === 'warc') {
    throw new UsageError(
      '--cluster cannot write .warc.gz: bodies stay on the machine that asked for them; write .db, .jsonl or .csv'
    )
  }
  const { RedisStore } = await loadFrontier()
  const store = openStore(() => new RedisStore({ url, name, limit: plan.limit, lease }))
  let file: Destination | undefined
  try {
    await store.join({ ...agreement(plan), 'lease in milliseconds': lease }, fresh)
    if (out === undefined || out === '-') return { ...inMemory(), store, close: () => store.close() }
    file = await openDestination(out, plan, fresh, name)
    const collector = new Collector(store, file)
    const { pages } = file
    return {
      store,
      pages,
      sink: undefined,
      whole: () => collector.whole(),
      async close() {
        await collector.close()
        await store.close()
        await file?.close()
      }
    }
  } catch (error) {
    await store.close()
    await file?.close()
    throw error
  }
}

/** Returns the options on which all machines have to agree. */
function agreement({ start, starts, limit, delayMs, scope, ask, usesSitemap }: Plan): Record<string, unknown> {
  const { depth, ...others } = scope.options
  const orNull = (value: number) => (Number.isFinite(value) ? value : null)
  return {
    'first page': start,
    'list of first pages': starts.length > 1 ? createHash('sha256').update(starts.join('\n')).digest('hex') : null,
    ...others,
    depth: orNull(depth),
    limit: orNull(limit),
    'delay in milliseconds': delayMs,
    'use of robots.txt': ask.obeysRobots,
    'use of sitemaps': usesSitemap
  }
}

/** Returns a name for the crawl of a page: its host, and a part of its hash. */
function nameOf(start: string): string {
  const host = new URL(start).hostname.replaceAll(/[^\w.-]/g, '_').slice(0, 60)
  return `${host}-${createHash('sha256').update(start).digest('hex').slice(0, 8)}`
}

function openStore(open: () => SharedStore): SharedStore {
  try {
    return open()
  } catch (error) {
    throw new UsageError(`--cluster: ${(error as Error).message}`, { cause: error })
  }
}

async function loadFrontier(): Promise<Frontier> {
  // A package that depends on this one: the compiler must not look for it.
  const name = 'multiprocess-cluster/frontier'
  try {
    return (await import(name)) as Frontier
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new OutputError(
      `cannot use --cluster: ${(error as Error).message.split('\n', 1)[0]}; npm install multiprocess-cluster beside crawl`,
      { cause: error }
    )
  }
}
