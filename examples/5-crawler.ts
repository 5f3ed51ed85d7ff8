/**
 * A crawler: takes a site page by page, first one by one, then with a pool of 4, and tells how much faster that was.
 *
 *     node dist/5-crawler.js [URL]     at most 20 pages; without a URL, a small site that a process here serves
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DomUtils, parseDocument } from 'htmlparser2'
import { Event, Pool, Process, Value } from 'multiprocess'

interface Page {
  readonly title: string
  readonly links: readonly string[]
  readonly url: string
}

async function crawl(url: string): Promise<string> {
  const response = await fetch(url)
  return response.text()
}

function parse(html: string, base: string): Page {
  const document = parseDocument(html)
  const first = (name: string) => DomUtils.getElementsByTagName(name, document)[0]
  const title = DomUtils.textContent(first('h1') ?? first('title') ?? []).trim()
  const links = DomUtils.getElementsByTagName('a', document)
    .map(({ attribs }) => attribs['href'])
    .filter(href => /^\/.+?\/$/.test(href ?? ''))
    .map(href => new URL(href, base).href)
  const og = DomUtils.getElementsByTagName('meta', document).find(({ attribs }) => attribs['property'] === 'og:url')
  return { title, links: [...new Set(links)], url: og?.attribs['content'] ?? base }
}

/** Downloads and parses, wherever it runs. */
async function visit(url: string): Promise<Page> {
  return parse(await crawl(url), url)
}

const LIMIT = 20

/** Breadth-first: all pages that are known and unseen, then those they lead to. */
async function walk(start: string, visitAll: (urls: string[]) => Promise<Page[]>): Promise<string[]> {
  const seen = new Set<string>()
  let unseen = new Set([start])
  const titles: string[] = []
  while (unseen.size > 0 && seen.size < LIMIT) {
    const urls = [...unseen].slice(0, LIMIT - seen.size)
    const pages = await visitAll(urls)
    for (const url of urls) seen.add(url)
    unseen = new Set(pages.flatMap(page => page.links).filter(link => !seen.has(link)))
    titles.push(...pages.map(page => page.title))
  }
  return titles
}

/** A site of 13 pages, each of which takes 0.1 s to come. */
function serve(port: { value: number }, isListening: Event): void {
  const server = createServer(async ({ url = '/' }, response) => {
    await new Promise(resolve => setTimeout(resolve, 100))
    const links =
      url === '/' ? [1, 2, 3, 4].map(n => `/part-${n}/`) : /^\/part-\d\/$/.test(url) ? [`${url}a/`, `${url}b/`] : []
    response.setHeader('content-type', 'text/html')
    response.end(
      `<meta property="og:url" content="${url}"><h1>Page ${url}</h1>` +
        [...links, '/'].map(link => `<a href="${link}">${link}</a>`).join('')
    )
  })
  server.listen(0, '127.0.0.1', () => {
    port.value = (server.address() as AddressInfo).port
    isListening.set()
  })
}

let url = process.argv[2]
if (url === undefined) {
  const port = Value('i')
  const isListening = new Event()
  new Process({ target: serve, args: [port, isListening], daemon: true }).start()
  await isListening.wait()
  url = `http://127.0.0.1:${port.value}/`
}

const begin = performance.now()
const alone = await walk(url, async urls => {
  const pages: Page[] = []
  for (const url of urls) pages.push(await visit(url))
  return pages
})
const aloneMs = performance.now() - begin
console.log(`one by one: ${alone.length} pages`)

await using pool = new Pool(4)
await pool.map(n => n, [1, 2, 3, 4], 1) // the workers have started
const poolBegin = performance.now()
const together = await walk(url, urls => pool.map(visit, urls, 1))
const poolMs = performance.now() - poolBegin
console.log(`pool of 4: ${together.length} pages`)
console.log(`the same pages: ${alone.sort().join() === together.sort().join()}`)
console.log(`${(aloneMs / poolMs).toFixed(1)} times as fast`)
