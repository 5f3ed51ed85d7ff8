/**
 * A crawler: it walks a site page by page, then the same site with a pool of 4, and prints both times.
 *
 *     node dist/5-crawler.js [URL]     at most 20 pages; without a URL, a small site that a process here serves
 *
 *     while len(unseen) != 0:
 *         print('\nDistributed Crawling...')
 *         htmls = [crawl(url) for url in unseen]
 *         print('\nDistributed Parsing...')
 *         results = [parse(html) for html in htmls]
 *         print('\nAnalysing...')
 *         seen.update(unseen)
 *         unseen.clear()
 *         for title, page_urls, url in results:
 *             print(count, title, url)
 *             count += 1
 *             unseen.update(page_urls - seen)
 *     print('Total time: %.1f s' % (time.time() - t1, ))
 *
 *     pool = mp.Pool(4)
 *     while len(unseen) != 0:
 *         crawl_jobs = [pool.apply_async(crawl, args=(url,)) for url in unseen]
 *         htmls = [j.get() for j in crawl_jobs]
 *         parse_jobs = [pool.apply_async(parse, args=(html,)) for html in htmls]
 *         results = [j.get() for j in parse_jobs]
 *         ...
 *     print('Total time: %.1f s' % (time.time() - t1, ))
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

const LIMIT = 20

interface Way {
  crawlAll(urls: string[]): Promise<string[]>
  parseAll(htmls: string[]): Promise<Page[]>
}

/** Walks breadth-first: visits all pages that are known and unseen, then the pages that these link to. */
async function walk(start: string, { crawlAll, parseAll }: Way): Promise<number> {
  const begin = performance.now()
  const seen = new Set<string>()
  let unseen = new Set([start])
  let count = 1
  while (unseen.size > 0 && seen.size < LIMIT) {
    const urls = [...unseen].slice(0, LIMIT - seen.size)
    console.log('\nDistributed Crawling...')
    const htmls = await crawlAll(urls)
    console.log('\nDistributed Parsing...')
    const results = await parseAll(htmls)
    console.log('\nAnalysing...')
    for (const url of urls) seen.add(url)
    unseen = new Set()
    for (const { title, links, url } of results) {
      console.log(count++, title, url)
      for (const link of links) if (!seen.has(link)) unseen.add(link)
    }
  }
  const seconds = (performance.now() - begin) / 1000
  console.log(`Total time: ${seconds.toFixed(1)} s`)
  return seconds
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

const base = url
const alone = await walk(base, {
  async crawlAll(urls) {
    const htmls: string[] = []
    for (const url of urls) htmls.push(await crawl(url))
    return htmls
  },
  async parseAll(htmls) {
    return htmls.map(html => parse(html, base))
  }
})

await using pool = new Pool(4)
await pool.map(n => n, [1, 2, 3, 4], 1) // the workers have started
const together = await walk(base, {
  crawlAll: urls => Promise.all(urls.map(url => pool.applyAsync(crawl, [url]))),
  parseAll: htmls => Promise.all(htmls.map(html => pool.applyAsync(parse, [html, base])))
})
console.log(`${(alone / together).toFixed(1)} times as fast`)
