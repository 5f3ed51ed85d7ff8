import { parseArgs } from 'node:util'
import { DEFAULT_CONCURRENCY, DEFAULT_LIMIT, DEFAULT_PROCESSES, MOST_PROCESSES } from './options.ts'
import { version } from './version.ts'

/** What the command line asks for. */
export interface Arguments {
  /** undefined: the practice site. */
  url: string | undefined
  processes: number
  concurrency: number | undefined
  limit: number | undefined
  delayMs: number | undefined
  out: string | undefined
  compare: boolean
  help: boolean
  version: boolean
}

/** The command line is not one that can be run. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const usage = `crawl ${version}: visits the pages of one site, in many processes at once

  crawl URL [options]      one line of JSON for each page, to the standard output
  crawl                    serves a small practice site on this computer and compares on it

Options
  --processes N     worker processes (${DEFAULT_PROCESSES}); 0: none, all in this one
  --concurrency N   pages that one worker has under way at once (${DEFAULT_CONCURRENCY})
  --limit N         most pages (${DEFAULT_LIMIT}; on this computer: all); "all" for all pages
  --delay MS        least time between two requests, over all workers (0, or what robots.txt says)
  --out FILE        write the lines of JSON to FILE
  --compare         crawl one page after another first, then with the pool, and show both times
  --help            show this
  --version         show the version

Ctrl-C ends the crawl with what it has. Progress and summary go to the standard error.
`

/** @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args)
  if (positionals.length > 1) {
    throw new UsageError(`one URL at a time: ${positionals.map(text => JSON.stringify(text)).join(' and ')} were given`)
  }
  const processes = number('--processes', values.processes, 0) ?? DEFAULT_PROCESSES
  if (processes > MOST_PROCESSES) {
    throw new UsageError(`--processes is at most ${MOST_PROCESSES}; it was given "${processes}"`)
  }
  const isComparing = values.compare || positionals.length === 0
  if (processes === 0 && isComparing && !values.help && !values.version) {
    throw new UsageError('to compare, --processes must be 1 or more; it was given "0"')
  }
  return {
    url: positionals[0],
    processes,
    concurrency: number('--concurrency', values.concurrency, 1),
    limit: values.limit === 'all' ? Number.POSITIVE_INFINITY : number('--limit', values.limit, 1, ' or "all"'),
    delayMs: number('--delay', values.delay, 0),
    out: values.out,
    compare: values.compare ?? false,
    help: values.help ?? false,
    version: values.version ?? false
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        processes: { type: 'string' },
        concurrency: { type: 'string' },
        limit: { type: 'string' },
        delay: { type: 'string' },
        out: { type: 'string' },
        compare: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' }
      }
    })
  } catch (error) {
    // Node's sentence says what was wrong; what it adds after that is about its own API.
    throw new UsageError((error as Error).message.split(/\. |\n/, 1)[0])
  }
}

function number(option: string, text: string | undefined, least: number, or = ''): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  throw new UsageError(`${option} takes a whole number, ${least} or more${or}; it was given ${JSON.stringify(text)}`)
}
