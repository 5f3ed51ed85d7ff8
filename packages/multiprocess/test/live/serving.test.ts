/** How the dashboard is served: to whom, when, and at what cost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { startDashboard } from '../../src/dashboard.ts'
import { monotonicMs } from '../../src/ground/os/time.ts'
import { Guard, isLocal } from '../../src/live/guard.ts'
import { LiveServer } from '../../src/live/live-server.ts'
import { Recorder } from '../../src/live/recorder.ts'
import { servePage } from '../../src/live/serve-page.ts'
import { startFromEnvironment } from '../../src/live/start.ts'
import { Watched } from '../fixtures/live/watched.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(30_000)

async function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<IncomingMessage> {
  const asked = request(url, { headers, method }).end()
  const [answer] = await once(asked, 'response')
  return answer
}

async function statusOf(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET'
): Promise<number | undefined> {
  const answer = await ask(url, headers, method)
  answer.destroy()
  return answer.statusCode
}

describe('serving the dashboard', { timeout }, () => {
  let alive: NodeJS.Timeout

  /** Nothing of the servers keeps this process alive. */
  before(() => {
    alive = setInterval(() => {}, 60_000)
  })

  after(() => clearInterval(alive))

  test('MULTIPROCESS_DASHBOARD serves it from the main program alone, and says where', async () => {
    await using program = new Watched('plain', { MULTIPROCESS_DASHBOARD: '0' })
    const { result } = await program.ready()
    assert.equal(result, 1)
    const [, url] = /^multiprocess: the dashboard is at (http:\/\/127\.0\.0\.1:\d+\/)$/m.exec(
      await program.written(/at http.*\n/)
    ) as RegExpExecArray
    assert.equal(await statusOf(url), 200)
    assert.equal(await program.end(), 0)
    assert.equal(program.stderr.match(/dashboard/g)?.length, 1, program.stderr)
  })

  test('a taken port is a warning that names it, and the program goes on', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    try {
      await using program = new Watched('plain', { MULTIPROCESS_DASHBOARD: String(port) })
      assert.equal((await program.ready()).result, 1)
      assert.equal(await program.end(), 0)
      assert.match(
        program.stderr,
        new RegExp(
          `\\[MULTIPROCESS_DASHBOARD\\] Warning: cannot serve the dashboard: port ${port} of 127\\.0\\.0\\.1 is taken by another program; end that, or give another port, or 0 for a free one\\. The program goes on without it`
        )
      )
    } finally {
      taken.close()
    }
  })

  test('a wrong value of the variable is a warning that names it, and the program goes on', async () => {
    await using program = new Watched('plain', { MULTIPROCESS_DASHBOARD: 'abc' })
    assert.equal((await program.ready()).result, 1)
    assert.equal(await program.end(), 0)
    assert.equal(program.stderr.match(/must be a port/g)?.length, 1, program.stderr)
    for (const value of ['abc', '70000', '-1', '80.5', ' ', '0.0.0.0:', ':80:x']) {
      const warned = once(process, 'warning')
      startFromEnvironment(value)
      const [{ message, code }] = await warned
      assert.equal(code, 'MULTIPROCESS_DASHBOARD')
      assert.equal(
        message,
        `cannot serve the dashboard: MULTIPROCESS_DASHBOARD must be a port from 0 to 65535, or an address and a port such as 0.0.0.0:8080, got '${value}' (a string); set it to 8080, or to 0 for a free port`
      )
    }
    let warnings = 0
    const count = () => warnings++
    process.on('warning', count)
    startFromEnvironment('')
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', count)
    assert.equal(warnings, 0)
  })

  test('an address in the variable asks for a token, which the address that is printed has', async () => {
    await using program = new Watched('plain', { MULTIPROCESS_DASHBOARD: '0.0.0.0:0' })
    await program.ready()
    const [, url, token] = /at (http:\/\/127\.0\.0\.1:\d+\/)\?token=(\S+)\n/.exec(
      await program.written(/at http.*\n/)
    ) as RegExpExecArray
    assert.equal(Buffer.from(token, 'base64url').length, 24)
    assert.equal(await statusOf(url), 401)
    assert.equal(await statusOf(`${url}events`), 401)
    assert.equal(await statusOf(`${url}trace.json`), 401)
    assert.equal(await statusOf(`${url}?token=${token.slice(1)}`), 401)
    assert.equal(await statusOf(`${url}?token=`), 401)
    const let_in = await ask(`${url}?token=${token}`)
    assert.equal(let_in.statusCode, 303)
    assert.equal(let_in.headers.location, '/')
    const [cookie] = let_in.headers['set-cookie'] as string[]
    assert.match(cookie, /; HttpOnly; SameSite=Strict; Path=\/$/)
    assert.equal(await statusOf(url, { cookie: `a=b; ${cookie.split(';')[0]}` }), 200)
    assert.equal(await statusOf(url, { cookie: `${cookie.split('=')[0]}=wrong` }), 401)
    assert.equal(await program.end(), 0)
  })

  test('only the names of this machine are answered to, by GET, and no page elsewhere may read or listen', async () => {
    await using dashboard = await startDashboard()
    const { url, port } = dashboard
    assert.equal(dashboard.token, null)
    assert.equal(await statusOf(url), 200)
    assert.equal(await statusOf(url, { host: `localhost:${port}` }), 200)
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`, 'localhost.']) {
      assert.equal(await statusOf(url, { host }), 421, host)
      assert.equal(await statusOf(`${url}events`, { host }), 421, host)
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) assert.equal(await statusOf(url, {}, method), 405)
    for (const site of ['cross-site', 'same-site', 'none']) {
      assert.equal(await statusOf(`${url}events`, { 'sec-fetch-site': site }), 403)
    }
    for (const path of ['nothing', '../package.json', '%2e%2e/package.json', '..%2fpackage.json', 'page.js.map']) {
      assert.equal(await statusOf(`${url}${path}`), 404, path)
    }
    const { headers } = await ask(url, { origin: 'http://evil.example' })
    assert.equal(headers['access-control-allow-origin'], undefined)
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self'; /)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  })

  test('there is one dashboard a program; once closed, it can be started again', async () => {
    const first = await startDashboard()
    const second = await startDashboard({ port: 0 })
    assert.equal(second.url, first.url)
    await first.close()
    await assert.rejects(statusOf(first.url), { code: 'ECONNREFUSED' })
    await using third = await startDashboard()
    assert.equal(await statusOf(third.url), 200)
  })

  test('options that make no sense are refused where they were given', async () => {
    await assert.rejects(
      startDashboard({ port: 70_000 }),
      /^ValueError: port must be an integer from 0 to 65535, got 70000$/
    )
    await assert.rejects(
      startDashboard({ port: '80' as never }),
      /port must be an integer from 0 to 65535, got '80' \(a string\)/
    )
    await assert.rejects(startDashboard({ ports: 1 } as never), /unknown option 'ports': did you mean 'port'\?/)
    await assert.rejects(startDashboard({ host: '' }), /host must be an address, such as '0\.0\.0\.0', got ''/)
    await assert.rejects(startDashboard({ host: '203.0.113.7' }), {
      code: 'ERR_CANNOT_SERVE',
      message:
        'cannot serve the dashboard: this machine has no address 203.0.113.7; give one of its own, such as 127.0.0.1 or 0.0.0.0'
    })
    const { close } = await startDashboard()
    await close()
  })

  test('any page of a program can be served, with files that are made when they are asked for', async () => {
    let report: string | null = null
    const type = 'text/html'
    await using page = await servePage({
      folders: [],
      files: {
        '/report.html': { type, isWholeDocument: true, body: () => report },
        '/save.html': { type, saveAs: 'a.html', body: async () => 'text' },
        '/bad.html': { type, body: () => JSON.parse('{') }
      },
      hello: () => ({}),
      tick: () => ({})
    })
    assert.equal(await statusOf(`${page.url}report.html`), 404)
    report = '<p>'
    const { statusCode, headers } = await ask(`${page.url}report.html`)
    assert.equal(statusCode, 200)
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'none'; .*sandbox allow-scripts allow-popups/
    )
    const saved = await ask(`${page.url}save.html`)
    assert.equal(saved.headers['content-disposition'], 'attachment; filename="a.html"')
    assert.equal(await statusOf(`${page.url}bad.html`), 500)
    for (const path of ['toString', '__proto__', 'constructor']) assert.equal(await statusOf(`${page.url}${path}`), 404)
  })

  test('a page that cannot be served is refused where its options were given', async () => {
    const page = { folders: [], hello: () => ({}), tick: () => ({}) }
    for (const [options, message] of [
      [undefined, /^TypeError: options must be an object such as \{ folders, hello, tick \}/],
      [{ ...page, tick: 5 }, /^TypeError: tick must be a function, got 5$/],
      [{ ...page, interval: 1 }, /^ValueError: interval must be .*10.*, got 1$/],
      [{ ...page, folders: ['page'] }, /^ValueError: folders must be file: URLs that end with '\/', such as .*'page'/],
      [{ ...page, files: { '/a': {} } }, /^TypeError: files\['\/a'\]\.body must be a function, got undefined$/],
      [{ ...page, folder: [] }, /^TypeError: unknown option 'folder': did you mean 'folders'\?/],
      [{ ...page, port: 70_000 }, /^ValueError: port must be an integer from 0 to 65535, got 70000$/]
    ] as [never, RegExp][]) {
      await assert.rejects(servePage(options), message)
    }
  })

  test('a token is needed on every address that is not of this machine alone', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) {
      assert.equal(isLocal(host), true, host)
      assert.equal(new Guard(host, 80).token, null)
    }
    for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.com', '127.0.0.1.example.com', '1270.0.1']) {
      assert.equal(isLocal(host), false, host)
      assert.notEqual(new Guard(host, 80).token, null)
    }
    assert.notEqual(new Guard('::', 80).token, new Guard('::', 80).token)
  })

  test('nothing is looked at while nobody looks: before the first has come, and after the last has left', async () => {
    let ticks = 0
    const looking: boolean[] = []
    let left = () => {}
    const hasLeft = new Promise<void>(resolve => {
      left = resolve
    })
    await using server = await LiveServer.open({
      port: 0,
      host: '127.0.0.1',
      what: 'the page',
      folders: [],
      interval: 1,
      hello: () => ({}),
      tick: () => ({ tick: ++ticks }),
      onLooking: isLooking => {
        looking.push(isLooking)
        if (!isLooking) left()
      }
    })
    const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
    await pause(30)
    assert.equal(ticks, 0)
    const answer = await ask(`${server.url}events`)
    answer.setEncoding('utf8')
    let text = ''
    for await (const part of answer) {
      text += part
      if (text.includes('"tick":5}')) break
    }
    assert.match(text, /^event: hello\ndata: {}\n\nevent: tick\ndata: {"tick":1}\n\n/)
    await hasLeft
    const before = ticks
    await pause(30)
    // One may have been under way.
    assert.ok(ticks <= before + 1, `${ticks} after ${before}`)
    assert.deepEqual(looking, [true, false])
  })

  test('a look that fails is a warning, and the next one comes', async () => {
    let ticks = 0
    await using server = await LiveServer.open({
      port: 0,
      host: '127.0.0.1',
      what: 'the page',
      folders: [],
      interval: 1,
      hello: () => ({}),
      tick: () => {
        if (++ticks < 3) throw new Error('not now')
        return { tick: ticks }
      }
    })
    const warned = once(process, 'warning')
    const answer = await ask(`${server.url}events`)
    answer.setEncoding('utf8')
    for await (const part of answer) if (part.includes('"tick":3}')) break
    const [warning] = await warned
    assert.match(warning.message, /^the page could not be brought up to date: Error: not now$/)
  })

  test('a recorder hears of nothing while nobody looks, and of few tasks at a time else', () => {
    const recorder = new Recorder()
    assert.equal(recorder.wants(), false)
    recorder.isLooking = true
    let heard = 0
    for (let id = 1; id <= 100_000; id++) {
      if (!recorder.wants()) continue
      heard++
      recorder.submitted({ pool: 1, id, name: 'work' }, [id])
    }
    assert.equal(heard, 100)
    recorder.started({ pool: 1, id: 1, name: 'work' }, 7, monotonicMs())
    const { running, share } = recorder.take()
    assert.equal(share, 1)
    assert.deepEqual(
      running.map(({ id, pid, outcome }) => ({ id, pid, outcome })),
      [{ id: 1, pid: 7, outcome: 'running' }]
    )
    assert.equal(recorder.take().share, 1000)
    for (let id = 1; id <= 100; id++) recorder.ended({ pool: 1, id, name: 'work' }, 7, 'success', 1, 2)
    const { tasks } = recorder.take()
    assert.equal(tasks.length, 100)
    assert.equal(tasks[0].args, '[ 1 ]')
    recorder.leave()
    assert.equal(recorder.wants(), false)
    assert.deepEqual(recorder.take().running, [])
  })

  test('what is thrown may be anything: a failure is shown all the same', () => {
    const recorder = new Recorder()
    const odd = {
      toString() {
        throw new Error('no text')
      }
    }
    const thrown = ['text', null, undefined, 7n, Symbol('s'), odd, Object.assign(new Error('x'), { stack: 5 })]
    for (const error of thrown) recorder.failed({ pool: 1, id: 1, name: '' }, 0, error)
    assert.deepEqual(
      recorder.failures.map(({ title, caller }) => [title, caller]),
      ['text', 'null', 'undefined', '7', 'Symbol(s)', 'an error that cannot be shown', 'Error: x'].map(text => [
        text,
        null
      ])
    )
  })
})
