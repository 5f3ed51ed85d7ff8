/** The page of `crawl --ui`, in a browser, over a crawl that runs. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Command, page as html, type Site, serve, start } from '../support.ts'

const BROWSER = '/usr/bin/chromium'
const timeout = 240_000
const skip = existsSync(BROWSER) ? false : `there is no browser at ${BROWSER}; the Debian package chromium has it`
const HOSTILE = '<img src=x onerror=alert(1)>\u202e\u001b]0;x\u0007'
const RATE = 20

/** Lessons without end, until the site is told to end. Some links are dead, some pages slow or hostile. */
function lessons(isOver: () => boolean): (path: string) => { status: number; ms: number; body: string } {
  return path => {
    const number = /^\/lesson\/(\d+)$/.exec(path)?.[1]
    if (number === undefined && path !== '/') return { status: 404, ms: 5, body: '<h1>none</h1>' }
    const n = Number(number ?? 0)
    const links = isOver() ? [] : [1, 2, 3].map(more => `/lesson/${n + more}`)
    if (n % 7 === 2) links.push(`/gone/${n}`)
    if (n === 3) links.push(`http://[${HOSTILE.replaceAll('>', '&gt;')}`, `/gone/%3Cb%3E\u202e`)
    const status = n % 23 === 5 ? 500 : 200
    return { status, ms: n % 13 === 4 ? 400 : 10 + (n % 5) * 15, body: html(`${HOSTILE} ${n}`, ...links) }
  }
}

describe('the page of crawl --ui', { timeout, skip }, () => {
  let isOver = false
  let browser: Browser
  let site: Site
  let command: Command
  let page: Page
  let url: string
  const faults: string[] = []

  /** Waits until an element has a text that matches. */
  const shows = (selector: string, pattern: RegExp) =>
    page.locator(selector).filter({ hasText: pattern }).first().waitFor({ state: 'attached' })

  /** Waits until more pages are done than now. */
  async function goesOn(): Promise<void> {
    const tile = page.locator('.tile').first()
    await tile.filter({ hasNotText: (await tile.innerText()).split('\n')[0] }).waitFor()
  }

  before(async () => {
    browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] })
    const answer = lessons(() => isOver)
    site = await serve((request, response) => {
      if (request.url === '/robots.txt') {
        response.end('User-agent: *\nDisallow: /private/\n')
        return
      }
      const { status, ms, body } = answer(request.url as string)
      setTimeout(() => response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(body), ms)
    })
    command = start(['--ui', '--rate', `${RATE}/s`, '--retries=0', '--processes=1', `${site.origin}/`])
    await command.until(({ stderr }) => /See it at/.test(stderr))
    url = /^See it at (\S+)$/m.exec(command.stderr)?.[1] as string
    page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, colorScheme: 'light' })
    page.setDefaultTimeout(60_000)
    page.on('pageerror', error => faults.push(error.message))
    page.on('console', message => faults.push(message.text()))
    page.on('dialog', dialog => {
      faults.push('a dialog')
      void dialog.dismiss()
    })
    page.on('request', request => {
      if (new URL(request.url()).host !== new URL(url).host) faults.push(`asked for ${request.url()}`)
    })
    await page.goto(url)
    await page.locator('#state[data-state="live"]').waitFor()
  })

  after(async () => {
    command?.child.kill('SIGKILL')
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
  })

  test('shows pages, rate, errors, hosts, frontier, visits, slowest pages and problems', async () => {
    await shows('#program', new RegExp(`${site.origin}/.*process ${command.child.pid}`))
    await shows('#tiles', /[1-9]\d*\s*pages[\s\S]*pages a second, now[\s\S]*waiting[\s\S]*under way[\s\S]*seen/)
    for (const chart of ['rate', 'answers', 'frontier']) await page.locator(`#${chart} canvas`).waitFor()
    await shows('#hosts', new RegExp(`${new URL(site.origin).host}[\\s\\S]*50 ms\\s*--rate or --delay`))
    await shows('#problems', /404\s*\/gone\/2\s*HTTP 404 Not Found\s*\/lesson\/2/)
    await shows('#problems', /500\s*\/lesson\/5\s*HTTP 500 Internal Server Error\s*\/lesson\/2/)
    await shows('#slowest', /4\d\d ms[\s\S]*\/lesson\/4/)
    await page.locator('#visits a').first().waitFor()
    assert.deepEqual(faults, [])
  })

  test('what a site says stays text, and turns nothing', async () => {
    await shows('#problems', /not a URL/)
    const text = await page.locator('main').innerText()
    assert.ok(text.includes('\\u{202e}'), text)
    assert.doesNotMatch(text, /[\u0000-\u0008\u001b\u202a-\u202e]/)
    assert.equal(await page.locator('main img').count(), 0)
    for (const link of await page.locator('main a').all()) {
      assert.match((await link.getAttribute('href')) as string, /^(?:https?:\/\/|\/report)/)
      assert.equal(await link.getAttribute('rel'), 'noreferrer')
    }
    assert.deepEqual(faults, [])
  })

  test('is paused and gone through by keyboard', async () => {
    await page.keyboard.press('p')
    await page.locator('#state[data-state="paused"]').waitFor()
    assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true')
    const paused = await page.locator('#tiles').innerText()
    const reached = new Set<unknown>()
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('Tab')
      reached.add(await page.evaluate('document.activeElement.id || document.activeElement.tagName'))
    }
    assert.ok(reached.has('pause') && reached.has('A'), [...reached].join())
    // The server has gone on meanwhile.
    const asked = site.requests.length
    await command.until(() => site.requests.length > asked + 2)
    assert.equal(await page.locator('#tiles').innerText(), paused)
    await page.keyboard.press('p')
    await page.locator('#state[data-state="live"]').waitFor()
    await goesOn()
  })

  test('fits 400 and 1,600 pixels, and is dark and light', async () => {
    const backs = new Set<unknown>()
    for (const width of [400, 1000, 1600]) {
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 1000 })
        await goesOn()
        const scroll = await page.evaluate<number>('document.documentElement.scrollWidth')
        assert.ok(scroll <= width, `${scroll} pixels in ${width}`)
        backs.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      }
    }
    assert.equal(backs.size, 2)
    assert.deepEqual(faults, [])
  })

  test('a page that is opened later shows the crawl from its beginning', async () => {
    const other = await browser.newPage()
    other.setDefaultTimeout(60_000)
    await other.goto(url)
    await other.locator('#problems').filter({ hasText: '/gone/2' }).waitFor()
    const [done] = (await other.locator('.tile').first().innerText()).split('\n')
    assert.ok(Number(done.replace(',', '')) > 5, done)
    await other.close()
  })

  test('screenshots for the manual', { skip: process.env['SCREENSHOTS'] === undefined }, async () => {
    const folder = fileURLToPath(new URL('../../../../../docs/', import.meta.url))
    for (const [name, width, height, colorScheme] of [
      ['crawl-ui', 1280, 900, 'light'],
      ['crawl-ui-small', 400, 800, 'dark']
    ] as const) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme })
      await goesOn()
      await page.locator('h1').click()
      await page.evaluate('scrollTo(0, 0)')
      await page.screenshot({ path: join(folder, `${name}.png`) })
    }
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1600, height: 1000 })
  })

  test('at the end it shows the summary and the report, which can be opened and saved', async () => {
    isOver = true
    await page.locator('#state[data-state="done"]').waitFor()
    await shows('#end', /The crawl is complete\.[\s\S]*pages in [\s\S]*HTTP 404 Not Found/)
    const saving = page.waitForEvent('download')
    await page.getByText('Save the report').click()
    const saved = await saving
    assert.equal(saved.suggestedFilename(), 'report.html')
    assert.match(readFileSync((await saved.path()) as string, 'utf8'), /^<!doctype html>[\s\S]*Link graph/)
    await page.locator('#report').focus()
    await page.keyboard.press('Enter')
    await page.waitForURL('**/report.html')
    await page.locator('#problems').filter({ hasText: '/gone/2' }).waitFor()
    // Its styles and its script work; the origin of the page is closed to it.
    assert.equal(await page.evaluate('getComputedStyle(document.querySelector(".tiles")).display'), 'grid')
    assert.equal(await page.evaluate('self.origin'), 'null')
    await page.goBack()
    await shows('#end', /The crawl is complete/)
    assert.deepEqual(faults, [])
  })

  test('says when the program has ended', async () => {
    command.child.kill('SIGINT')
    assert.equal(await command.ended, 130)
    await page.locator('#state[data-state="ended"]').waitFor()
  })
})
