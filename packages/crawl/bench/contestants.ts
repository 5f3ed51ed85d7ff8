import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A crawler that does the same work. */
export interface Contestant {
  name: string
  /** The command that crawls `url` and writes a line of JSON for each page to `file`. */
  command(url: string, file: string): string[]
  cwd?: string
}

const CRAWLEE = ['@crawlee/http@3', '@crawlee/cheerio@3', 'htmlparser2@12']
const source = (name: string) => fileURLToPath(new URL(`../../bench/contestants/${name}`, import.meta.url))
const main = fileURLToPath(new URL('../src/main.js', import.meta.url))

/** Writes lines of JSON to its standard output, and keeps nothing else, as the others do. */
function own(name: string, ...args: string[]): Contestant {
  const shell = ['sh', '-c', 'exec "$@" > "$0"']
  return {
    name,
    command: (url, file) => [...shell, file, process.execPath, main, url, '--limit', 'all', ...args]
  }
}

/** Keeps every link, and a state with which the crawl can be continued. */
function resumable(name: string): Contestant {
  return { name, command: (url, file) => [process.execPath, main, url, '--limit', 'all', '--out', file] }
}

export const IN_PROCESS = 'crawl, in its own process'

/** `crawl` as it is, in its own process only, and with one or two workers, which shows what a page through a pool costs. */
export const ownContestants: Contestant[] = [
  own('crawl'),
  own(IN_PROCESS, '--processes', '0', '--concurrency', '8'),
  own('crawl, one worker', '--processes', '1', '--concurrency', '8'),
  own('crawl, two workers', '--processes', '2', '--concurrency', '4'),
  resumable('crawl --out, which can be continued')
]

/** Those of the others that can be had here; what cannot is told to `note`. */
export function otherContestants(note: (text: string) => void): Contestant[] {
  return [...crawlee(note), ...scrapy(note)]
}

function crawlee(note: (text: string) => void): Contestant[] {
  const cwd = join(homedir(), '.cache', 'crawl-bench')
  if (!existsSync(join(cwd, 'node_modules', '@crawlee', 'cheerio'))) {
    mkdirSync(cwd, { recursive: true })
    note(`installing ${CRAWLEE.join(', ')} in ${cwd}`)
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--prefix', cwd, ...CRAWLEE]
    if (spawnSync('npm', install, { stdio: 'ignore' }).status !== 0) {
      note('Crawlee could not be installed; it is left out')
      return []
    }
  }
  const script = source('crawlee.mjs')
  return [
    ['Crawlee HttpCrawler + htmlparser2', 'http'],
    ['Crawlee CheerioCrawler', 'cheerio']
  ].map(([name, kind]) => ({ name, cwd, command: (url, file) => [process.execPath, script, kind, url, file] }))
}

function scrapy(note: (text: string) => void): Contestant[] {
  if (spawnSync('scrapy', ['version']).status !== 0) {
    note('Scrapy is not installed (Debian: python3-scrapy); it is left out')
    return []
  }
  const spider = source('scrapy_spider.py')
  return [
    {
      name: 'Scrapy',
      command: (url, file) => ['scrapy', 'runspider', spider, '-a', `start=${url}`, '-O', `${file}:jsonl`]
    }
  ]
}
