/**
 * Serves the pages to crawl, from memory, and writes its port to the standard output.
 *   node dist/bench/site.js [DIRECTORY]   the HTML files of a directory; without one, pages that are made up
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** About what a page of Python's documentation has. */
const MADE_UP = { pages: 1000, links: 150, paragraphs: 200 }

const pages = process.argv[2] === undefined ? makeUp() : readFiles(process.argv[2])
const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url!.split('?', 1)[0])
  const body = pages.get(path.endsWith('/') ? `${path}index.html` : path)
  if (!body) response.writeHead(404, { 'content-length': 0 }).end()
  else response.writeHead(200, { 'content-type': 'text/html', 'content-length': body.length }).end(body)
}).listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
function readFiles(directory: string): Map<string, Buffer> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.html') && statSync(join(directory, name)).isFile())
    .map(name => [`/${name}`, readFileSync(join(directory, name))] as const)
  return new Map(files)
}

function makeUp(): Map<string, Buffer> {
  const made = new Map<string, Buffer>()
  for (let number = 0; number < MADE_UP.pages; number++) {
    const links = Array.from({ length: MADE_UP.links }, (_, index) => {
      const target = index < 2 ? 2 * number + index + 1 : (number * 31 + index * 17) % MADE_UP.pages
      const name = target % MADE_UP.pages
      return `<li><a class="reference" href="${name === 0 ? 'index' : `page${name}`}.html#part">Page ${name}</a></li>\n`
    })
    const text = `<p>Some <b>words</b> of <code>page</code> ${number} that say nothing, &amp; more of them.</p>\n`
    const html = `<!doctype html><title>Page ${number}</title><h1>Page ${number}</h1><ul>${links.join('')}</ul>${text.repeat(MADE_UP.paragraphs)}`
    made.set(number === 0 ? '/index.html' : `/page${number}.html`, Buffer.from(html))
  }
  return made
}
