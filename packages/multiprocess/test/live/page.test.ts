/** The page of the dashboard, in a browser, over programs that run. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Said, Watched } from '../fixtures/live/watched.ts'
import { limit } from '../fixtures/slowness.ts'

const BROWSER = '/usr/bin/chromium'
const timeout = limit(60_000)
const skip = existsSync(BROWSER) ? false : `there is no browser at ${BROWSER}; the Debian package chromium has it`
let browser: Browser

interface Tab {
  readonly page: Page
  /** What went wrong in it, and what it asked of others. */
  readonly faults: string[]
}

async function openTab(url: string): Promise<Tab> {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, colorScheme: 'light' })
  page.setDefaultTimeout(limit(20_000))
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => faults.push(message.text()))
  page.on('request', request => {
    if (new URL(request.url()).host !== new URL(url).host) faults.push(`asked for ${request.url()}`)
  })
  await page.goto(url)
  await page.locator('#state[data-state="live"]').waitFor()
  return { page, faults }
}

/** Waits until an element has a text that matches. */
async function shows(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: pattern }).first().waitFor({ state: 'attached' })
}

/** Waits until more tasks are done than now. */
async function goesOn(page: Page): Promise<void> {
  const done = page.locator('.tile').filter({ hasText: 'tasks done' })
  const [number] = (await done.innerText()).split('\n')
  await done.filter({ hasNotText: number }).waitFor()
}

const TASKS = /^3 workers and [1-9]\d* tasks in/

describe('the page of the dashboard', { timeout, skip }, () => {
  before(async () => {
    browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] })
  })

  after(() => browser?.close())

  describe('over a program with a pool, queues and locks', () => {
    let program: Watched
    let said: Said
    let page: Page
    let faults: string[]

    before(async () => {
      program = new Watched('all')
      said = await program.ready()
      ;({ page, faults } = await openTab(said.url))
      await shows(page, '#summary', TASKS)
    })

    after(() => program?.[Symbol.asyncDispose]())

    test('shows workers and tasks, failures with both stacks, processes, queues, locks and maps', async () => {
      const { holder, waiter, workers } = said
      await shows(page, '#tiles', /of 3\s*workers busy/)
      await shows(page, '#maps', /resize[\s\S]*of 2,000/)
      assert.ok(Number(await page.locator('#maps progress[max="2000"]').getAttribute('value')) >= 0)
      for (const pid of workers) await shows(page, '#processes', new RegExp(`PoolWorker-\\d+\\s*${pid}\\s*worker`))
      await shows(page, '#processes', /Manager-\d+.*manager of/)
      await shows(page, '#queues', /Queue\s*4 of 4/)
      await shows(page, '#locks', new RegExp(`Lock\\s*${holder}\\s*${waiter}`))
      await shows(page, '#waits', new RegExp(`Waiter ${waiter}\\s*the Lock \\w+\\s*${holder}`))
      await shows(page, '#pools', /processes.*of 3.* of the time/)
      await shows(page, '#failures summary', /SyntaxError: unexpected ! in .*parse/)
      // Later ones come before it.
      const number = await page.locator('#failures details').first().getAttribute('data-number')
      const failure = page.locator(`#failures details[data-number="${number}"]`)
      await failure.locator('summary').focus()
      await page.keyboard.press('Enter')
      const [thrown, called] = await failure.locator('pre').allInnerTexts()
      assert.match(thrown, /^SyntaxError: unexpected !.*\n +at parse \(/)
      assert.match(called, /^ +at .*keepBusy/)
      await page.locator('#throughput canvas').waitFor()
      await page.locator('#latency canvas').waitFor()
      await shows(page, '#memory .u-legend', new RegExp(String(workers[0])))
      assert.deepEqual(faults, [])
    })

    test('is paused and gone through by keyboard, and tells the details of a task', async () => {
      const { workers } = said
      await page.keyboard.press('p')
      await page.locator('#state[data-state="paused"]').waitFor()
      assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true')
      const paused = await page.locator('#tiles').innerText()
      // Tab comes to every control, the timeline among them.
      await page.locator('h1').click()
      const reached = new Set<unknown>()
      for (let i = 0; i < 9; i++) {
        await page.keyboard.press('Tab')
        reached.add(await page.evaluate('document.activeElement.id || document.activeElement.textContent'))
      }
      for (const control of ['pause', 'trace', '30 s', 'lanes']) assert.ok(reached.has(control), [...reached].join())
      await page.locator('#lanes').focus()
      await page.keyboard.press('ArrowLeft')
      await shows(page, '#details', /task\s*(?:resize|parse), number \d+ of pool 1/)
      const last = await page.locator('#details').innerText()
      await page.keyboard.press('ArrowLeft')
      let details = await page.locator('#details').innerText()
      assert.notEqual(details, last)
      // Where the server was late, there were too many tasks for all arguments.
      for (let i = 0; i < 60 && !details.includes('['); i++) {
        await page.keyboard.press('ArrowLeft')
        details = await page.locator('#details').innerText()
      }
      assert.match(details, new RegExp(`worker\\s*(?:${workers.join('|')})\\s`))
      assert.match(details, /waited\s*[\d.]+ (?:µs|ms|s)\s*ran\s*[\d.]+ (?:µs|ms|s)\s*arguments\s*\[/)
      await page.keyboard.press('ArrowUp')
      await shows(page, '#details', /number \d+ of pool 1/)
      await page.keyboard.press('Escape')
      assert.equal(await page.locator('#details').innerText(), '')
      await page.keyboard.press('-')
      assert.equal(await page.locator('#spans [aria-pressed="true"]').innerText(), '30 s')
      await page.keyboard.press('+')
      assert.equal(await page.locator('#tiles').innerText(), paused)
      await page.keyboard.press('p')
      await page.locator('#state[data-state="live"]').waitFor()
      await goesOn(page)
      assert.deepEqual(faults, [])
    })

    test('fits 400 and 1,600 pixels, and is dark and light', async () => {
      const backs = new Set<unknown>()
      for (const width of [400, 1600]) {
        for (const colorScheme of ['dark', 'light'] as const) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize({ width, height: 1000 })
          await goesOn(page)
          const scroll = await page.evaluate<number>('document.documentElement.scrollWidth')
          assert.ok(scroll <= width, `${scroll} pixels in ${width}`)
          backs.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
        }
      }
      assert.equal(backs.size, 2)
      assert.deepEqual(faults, [])
    })

    test('the trace can be downloaded, and has the tasks in the Trace Event Format', async () => {
      const downloading = page.waitForEvent('download')
      await page.locator('#trace').click()
      const download = await downloading
      assert.equal(download.suggestedFilename(), 'trace.json')
      const events = JSON.parse(readFileSync((await download.path()) as string, 'utf8'))
      const tasks = events.filter(({ ph }: { ph: string }) => ph === 'X')
      assert.ok(tasks.length > 0)
      for (const { name, ts, dur, tid } of tasks) {
        assert.match(name, /^(?:resize|parse)$/)
        assert.ok(ts > 0 && dur >= 0 && said.workers.includes(tid))
      }
    })

    test('screenshots for the manual', { skip: process.env['SCREENSHOTS'] === undefined }, async () => {
      const folder = fileURLToPath(new URL('../../../../../docs/', import.meta.url))
      await page.keyboard.press('+')
      for (const [name, width, height, colorScheme] of [
        ['dashboard', 1280, 900, 'light'],
        ['dashboard-small', 400, 800, 'dark']
      ] as const) {
        await page.setViewportSize({ width, height })
        await page.emulateMedia({ colorScheme })
        await goesOn(page)
        await page.locator('h1').click()
        await page.evaluate('scrollTo(0, 0)')
        await page.screenshot({ path: join(folder, `${name}.png`) })
      }
      await page.emulateMedia({ colorScheme: 'light' })
    })

    test('shows a worker that is SIGKILLed, and the one in its place; all others go on', async () => {
      const failures = page.locator('#failures')
      let killed = 0
      // A worker that is killed between two tasks takes none with it.
      for (const worker of said.workers) {
        killed = worker
        process.kill(killed, 'SIGKILL')
        await shows(page, '#summary', new RegExp(`worker ${killed} died \\(exit code -9\\)`))
        if (/WorkerDiedError: .* was killed by signal 9/.test(await failures.innerText())) break
      }
      await shows(page, '#failures summary', new RegExp(`WorkerDiedError: .* ${killed} was killed by signal 9`))
      const running = page.locator('#processes tr').filter({ hasText: /PoolWorker.*running/ })
      await running.filter({ hasText: String(killed) }).waitFor({ state: 'detached' })
      await running.nth(2).waitFor()
      await goesOn(page)
      assert.deepEqual(faults, [])
    })

    test('the program ends with its page open, which says so and keeps what it shows', async () => {
      assert.equal(await program.end(), 0, program.stderr)
      await page.locator('#state[data-state="ended"]').waitFor()
      await shows(page, '#failures summary', /SyntaxError/)
      await page.close()
    })
  })

  test('a program that has nothing left to do ends with its page open', async () => {
    await using program = new Watched('ending')
    const { page } = await openTab((await program.ready()).url)
    assert.equal(await program.end(), 0)
    await page.locator('#state[data-state="ended"]').waitFor()
    await page.close()
  })

  test('two processes that take two locks in opposite order are named as a deadlock, until one of them ends', async () => {
    await using program = new Watched('deadlock')
    const { url, holder: left, waiter: right } = await program.ready()
    const { page, faults } = await openTab(url)
    const banner = page.locator('#deadlocks')
    await banner.filter({ hasText: /^Deadlock: / }).waitFor()
    assert.equal(await banner.getAttribute('role'), 'alert')
    const text = await banner.innerText()
    const [, first, second] = /^Deadlock: (.*?); (.*)$/.exec(text) as RegExpExecArray
    const [leftWaits, rightWaits] = [first, second].sort()
    const [, taken] =
      new RegExp(`^Left ${left} waits for the Lock (\\w+), held by Right ${right}$`).exec(leftWaits) ??
      assert.fail(text)
    const [, other] =
      new RegExp(`^Right ${right} waits for the Lock (\\w+), held by Left ${left}$`).exec(rightWaits) ??
      assert.fail(text)
    assert.notEqual(taken, other)
    await shows(page, '#waits', new RegExp(`Left ${left}\\s*the Lock ${taken}\\s*${right}`))
    // The text is announced once: it stays the same element.
    await page.evaluate('document.querySelector("#deadlocks p").id = "first"')
    await shows(page, '#waits', /[2-9]\.\d s/)
    assert.equal(await page.locator('#first').count(), 1)
    process.kill(right, 'SIGKILL')
    await banner.waitFor({ state: 'hidden' })
    assert.deepEqual(faults, [])
    await page.close()
  })

  test('of very many short tasks a share is shown', async () => {
    await using program = new Watched('many')
    const { page, faults } = await openTab((await program.ready()).url)
    await shows(page, '#share', /one task in \d+ is shown/)
    assert.deepEqual(faults, [])
    await page.close()
  })

  test('with a host that others reach, the address with the token opens it, and leaves no token in the address', async () => {
    await using program = new Watched('open')
    const { url, token } = await program.ready()
    const { page } = await openTab(url)
    assert.equal(new URL(page.url()).search, '')
    assert.equal(await page.evaluate('document.cookie'), '')
    const other = await browser.newPage()
    const answer = await other.goto(new URL('/', url).href)
    assert.equal(answer?.status(), 401)
    assert.ok(!(await other.content()).includes(token))
    await Promise.all([page.close(), other.close()])
  })
})
