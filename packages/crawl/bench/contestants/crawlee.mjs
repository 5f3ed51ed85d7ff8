// Crawlee, with the work that `crawl` does: title, address, links; a line of JSON for each page; robots.txt obeyed.
//   node crawlee.mjs http|cheerio URL FILE     in a folder where @crawlee/http, @crawlee/cheerio and htmlparser2 are installed
import { createWriteStream } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(pathToFileURL(`${process.cwd()}/`))
const [kind, start, file] = process.argv.slice(2)
const output = createWriteStream(file)
const { Configuration, log, LogLevel } = require('@crawlee/core')
log.setLevel(LogLevel.ERROR)
const configuration = new Configuration({ persistStorage: false, purgeOnStart: true })
const common = {
  minConcurrency: 8,
  maxConcurrency: 8,
  respectRobotsTxtFile: true,
  additionalMimeTypes: [],
  requestHandlerTimeoutSecs: 60
}
const { origin } = new URL(start)

const line = (url, status, title, ogUrl, links) =>
  output.write(`${JSON.stringify({ url, status, title, ogUrl, links })}\n`)
const sameSite = (hrefs, base) => {
  const found = new Set()
  for (const href of hrefs) {
    if (!URL.canParse(href, base)) continue
    const url = new URL(href, base)
    url.hash = ''
    if (url.origin === origin) found.add(url.href)
  }
  return [...found]
}

async function withParser() {
  const { HttpCrawler } = require('@crawlee/http')
  const { Parser } = await import(pathToFileURL(require.resolve('htmlparser2')).href)
  return new HttpCrawler(
    {
      ...common,
      async requestHandler({ request, response, body, crawler }) {
        const hrefs = []
        let title = ''
        let heading = ''
        let inside = ''
        let ogUrl = null
        const parser = new Parser({
          onopentag(name, attributes) {
            if (name === 'a' && attributes.href !== undefined) hrefs.push(attributes.href)
            else if (name === 'h1' || name === 'title') inside = name
            else if (name === 'meta' && attributes.property === 'og:url') ogUrl ??= attributes.content
            else if (name === 'link' && attributes.rel === 'canonical') ogUrl ??= attributes.href
          },
          ontext(text) {
            if (inside === 'h1') heading += text
            else if (inside === 'title') title += text
          },
          onclosetag(name) {
            if (name === inside) inside = ''
          }
        })
        parser.end(body.toString())
        const urls = sameSite(hrefs, request.loadedUrl)
        line(request.loadedUrl, response.statusCode, heading.trim() || title.trim(), ogUrl, hrefs.length)
        await crawler.addRequests(urls)
      }
    },
    configuration
  )
}

function withCheerio() {
  const { CheerioCrawler } = require('@crawlee/cheerio')
  return new CheerioCrawler(
    {
      ...common,
      async requestHandler({ request, response, $, crawler }) {
        const hrefs = $('a[href]')
          .map((_, link) => $(link).attr('href'))
          .get()
        const title = $('h1').first().text().trim() || $('title').first().text().trim()
        const ogUrl = $('meta[property="og:url"]').attr('content') ?? $('link[rel=canonical]').attr('href') ?? null
        line(request.loadedUrl, response.statusCode, title, ogUrl, hrefs.length)
        await crawler.addRequests(sameSite(hrefs, request.loadedUrl))
      }
    },
    configuration
  )
}

const crawler = kind === 'http' ? await withParser() : withCheerio()
await crawler.run([start])
output.end()
