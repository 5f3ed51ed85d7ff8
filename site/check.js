// Looks at the built site in Chromium: every page loads without an error, the search finds, and the diagrams are drawn.
//   npm run docs && npm run docs:check            with --pictures DIRECTORY it writes screenshots
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'

const { values } = parseArgs({ options: { pictures: { type: 'string' } } })
const dist = fileURLToPath(new URL('dist/', import.meta.url))
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
if (executablePath === undefined) throw new Error('cannot look at the site: Chromium is missing; install it')
if (!existsSync(join(dist, 'index.html'))) throw new Error('cannot look at the site: it is not built; run npm run docs')

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2'
}

const server = createServer(async ({ url }, response) => {
  const path = join(dist, normalize(decodeURIComponent(new URL(url, 'http://site').pathname)))
  const file = [path, `${path}.html`, join(path, 'index.html')].find(one => extname(one) !== '' && existsSync(one))
  if (file === undefined) return void response.writeHead(url === '/favicon.ico' ? 204 : 404).end()
  response
    .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
    .end(await readFile(file))
}).listen(0)
const base = `http://localhost:${server.address().port}`

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
const problems = []
page.on('pageerror', error => problems.push(`${page.url()}: ${error}`))
page.on('response', response => {
  if (response.status() >= 400) problems.push(`${page.url()}: ${response.status()} ${response.url()}`)
})

function check(isRight, what) {
  if (!isRight) problems.push(`${page.url()}: ${what}`)
}

async function picture(name) {
  if (values.pictures !== undefined) await page.screenshot({ path: join(values.pictures, `${name}.png`) })
}

await page.goto(base)
await page.waitForSelector('h1')
await picture('home')
const links = await page.$$eval('.VPSidebar a', anchors => anchors.map(anchor => anchor.href))
check(links.length > 30, `the sidebar has only ${links.length} links`)
for (const link of new Set(links)) {
  await page.goto(link)
  check((await page.locator('main h1').count()) > 0, 'the page has no heading')
}

await page.goto(`${base}/docs/how-it-works`)
await page.waitForSelector('.diagram svg', { timeout: 20_000 })
await page.locator('.diagram svg').first().scrollIntoViewIfNeeded()
await picture('diagram')

await page.goto(`${base}/docs/troubleshooting`)
await picture('troubleshooting')
await page.click('.DocSearch-Button')
await page.fill('.search-input', 'ERR_POOL_FULL')
await page.waitForSelector('.results .result')
const first = await page.textContent('.results .result')
check(/Troubleshooting|Pool/i.test(first), `the search for ERR_POOL_FULL finds ${first}`)
await picture('search')

await page.goto(`${base}/reference/`)
await picture('reference')
await page.setViewportSize({ width: 390, height: 844 })
await page.goto(`${base}/docs/recipes/server`)
await picture('phone')
check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page is wider than a phone')

await browser.close()
server.close()
for (const problem of problems) console.error(problem)
console.log(`${new Set(links).size} pages, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0
