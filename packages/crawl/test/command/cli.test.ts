import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runProgram } from '../../src/command/program.ts'
import { FIELDS } from '../../src/result.ts'
import { version } from '../../src/version.ts'
import {
  descendants,
  isAlive,
  type Pages,
  page,
  paths,
  readLines,
  redirect,
  run,
  serve,
  slow,
  start
} from '../support.ts'

const limits = { timeout: 60_000 }
const directory = mkdtempSync(join(tmpdir(), 'crawl-test-'))
after(() => rmSync(directory, { recursive: true }))

const small: Pages = {
  '/': page('home', '/a', '/b', '/missing'),
  '/a': page('a', '/c'),
  '/b': page('b'),
  '/c': page('c')
}

/** `/` links to as many pages as said, each of which takes some milliseconds. */
function wide(width: number, ms: number): Pages {
  const pages: Pages = { '/': page('home', ...Array.from({ length: width }, (_, index) => `/${index}`)) }
  for (let index = 0; index < width; index++) pages[`/${index}`] = slow(page(`${index}`), ms)
  return pages
}

/** What a command has said, without how far it was. */
function notes(stderr: string): string {
  return stderr.replace(/^.* queued, .*\n/gm, '')
}

test('help and version go to the standard output', limits, async () => {
  const help = await run(['--help'])
  assert.equal(help.code, 0)
  for (const option of [
    '--processes',
    '--concurrency',
    '--limit',
    '--delay',
    '--out',
    '--compare',
    '--help',
    '--version'
  ]) {
    assert.match(help.stdout, new RegExp(`${option}\\b`), option)
  }
  assert.equal(help.stderr, '')
  assert.deepEqual(await run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('an invalid command line is refused in one line, with exit code 2', limits, async () => {
  assert.deepEqual(await run(['example.com']), {
    code: 2,
    stdout: '',
    stderr:
      'crawl: not a URL: "example.com". Expected one such as https://example.com/. ' +
      'Did you mean http://example.com? Try: crawl --help\n'
  })
  assert.deepEqual(await run(['--speed', 'http://a/']), {
    code: 2,
    stdout: '',
    stderr: "crawl: unknown option '--speed'. Try: crawl --help\n"
  })
})

test('options are checked, and the error says what was expected', limits, async () => {
  const stdout = { async write() {}, async close() {} }
  for (const [args, message] of [
    [['http://a/', 'http://b/'], 'one URL at a time: "http://a/" and "http://b/" were given'],
    [['chek', 'http://a/'], 'one URL at a time: "chek" and "http://a/" were given'],
    [['--processes', 'many', 'http://a/'], '--processes takes a whole number, 0 or more; it was given "many"'],
    [['--processes', '1001', 'http://a/'], '--processes is at most 1000; it was given "1001"'],
    [['--limit', '0', 'http://a/'], '--limit takes a whole number, 1 or more or "all"; it was given "0"'],
    [['--delay=-1', 'http://a/'], '--delay takes a whole number, 0 or more; it was given "-1"'],
    [['--concurrency', '1.5', 'http://a/'], '--concurrency takes a whole number, 1 or more; it was given "1.5"'],
    [['--compare', '--processes=0', 'http://a/'], 'to compare, --processes must be 1 or more; it was given "0"'],
    [['http://a/', '--out'], "option '-o, --out <file>' argument missing"],
    [['http://a/', '--speed'], "unknown option '--speed'"],
    [['http://a/', '--dept', '3'], "unknown option '--dept' (Did you mean --depth?)"],
    [['--rate', 'fast', 'http://a/'], '--rate takes a number of requests, such as 5/s or 30/m; it was given "fast"'],
    [['--rate', '5/s', '--delay', '5', 'http://a/'], '--rate and --delay say the same; give one of them'],
    [['--scope', 'all', 'http://a/'], '--scope takes host, subdomains or prefix; it was given "all"'],
    [['--robots', 'no', 'http://a/'], '--robots takes obey or ignore; it was given "no"'],
    [['--timeout', '0', 'http://a/'], '--timeout takes a number of seconds above 0; it was given "0"'],
    [['-H', 'x', 'http://a/'], '--header takes a header such as \'accept-language: de\'; it was given "x"'],
    [
      ['--get', '.price', 'http://a/'],
      '--get takes a field such as price=.price or image=img@src; it was given ".price"'
    ],
    [['--get', 'a=b[', 'http://a/'], /^fields\.a must be a CSS selector; it is "b\[": /],
    [['--include', '', 'http://a/'], /^cannot use "" as include: a glob such as/],
    [['--cookies', '/no/file', 'http://a/'], /^cannot read the file of --cookies, "\/no\/file": /],
    [['--list', '/no/file'], /^cannot read the file of --list, "\/no\/file": /],
    [['--fresh', 'http://a/'], '--fresh starts a file over; say which one with --out'],
    [['check'], 'crawl check needs a URL, or --list with a file of them'],
    [['check', 'http://a/', '--format', 'xml'], '--format takes text, json, junit or github; it was given "xml"'],
    [['report', '/no/site.db'], 'cannot open "/no/site.db": there is no such file'],
    [['why', 'x.db'], "missing required argument 'url'"]
  ] as [string[], string | RegExp][]) {
    const context = { stdout, signal: AbortSignal.abort() }
    await assert.rejects(runProgram(args, context), { name: 'UsageError', message }, args.join(' '))
  }
})

test('results are lines of JSON on the standard output, and the summary is not among them', limits, async () => {
  await using site = await serve(small)
  const { code, stdout, stderr } = await run([site.origin])
  assert.equal(code, 0, stderr)
  const results = readLines(stdout)
  assert.deepEqual(paths(results).sort(), ['/', '/a', '/b', '/c', '/missing'])
  for (const result of results) assert.deepEqual(Object.keys(result), [...FIELDS])
  const lines = notes(stderr).trimEnd().split('\n')
  assert.match(lines[0], /^5 pages in \d+\.\d+ s \(\d+\.\d pages\/s\), \d+ B$/)
  assert.deepEqual(lines.slice(1, 3), ['  4 without error', '  1 HTTP 404 Not Found'])
})

test('--out gets the lines, and a second run continues the file', limits, async () => {
  await using site = await serve(small)
  const file = join(directory, 'results.jsonl')
  const first = await run([site.origin, '--out', file, '--processes', '0', '--limit', '3'])
  assert.deepEqual([first.code, first.stdout], [0, ''])
  const before = readFileSync(file, 'utf8')
  assert.deepEqual(paths(readLines(before)), ['/', '/a', '/b'])
  const asked = site.requests.length
  const second = await run([site.origin, '-o', file, '--processes', '0'])
  const after = readFileSync(file, 'utf8')
  assert.ok(after.startsWith(before))
  assert.deepEqual(paths(readLines(after)).sort(), ['/', '/a', '/b', '/c', '/missing'])
  assert.match(second.stderr, /^2 pages in .*, 3 pages before$/m)
  const askedNow = site.requests.slice(asked).map(({ path }) => path)
  assert.deepEqual(askedNow.sort(), ['/c', '/missing', '/robots.txt'])
  const third = await run([site.origin, '-o', file, '--processes', '0'])
  assert.ok(third.stderr.includes('results.jsonl is complete: 5 pages; --fresh starts over'), third.stderr)
  assert.equal(readFileSync(file, 'utf8'), after)
  await run([site.origin, '-o', file, '--processes', '0', '--fresh', '--limit', '1'])
  assert.deepEqual(paths(readLines(readFileSync(file, 'utf8'))), ['/'])
})

test('the end at a limit is reported', limits, async () => {
  await using site = await serve(wide(30, 0))
  const { code, stdout, stderr } = await run([site.origin, '--limit', '5', '--processes', '0'])
  assert.equal(code, 0)
  assert.equal(readLines(stdout).length, 5)
  assert.ok(stderr.includes('Ended at the limit (--limit); 26 known pages not visited\n'), stderr)
})

test('a first page that cannot be loaded makes the exit code 1, and is still a line', limits, async () => {
  await using site = await serve({ '/out': redirect('http://elsewhere.invalid/') })
  for (const path of ['/', '/out']) {
    const { code, stdout } = await run([`${site.origin}${path}`, '--processes', '1'])
    assert.equal(code, 1)
    assert.equal(readLines(stdout).length, 1)
  }
})

test('results that cannot be written end the crawl with one clear line', limits, async () => {
  await using site = await serve(wide(300, 5))
  for (const [file, reason] of [
    [join(directory, 'no', 'where.jsonl'), 'there is no such directory (ENOENT)'],
    [directory, 'it is a directory (EISDIR)'],
    ['/dev/full', 'no space left on the device (ENOSPC)']
  ]) {
    const { code, stderr } = await run([site.origin, '--out', file, '--processes', '1'])
    assert.deepEqual([code, notes(stderr)], [1, `crawl: cannot write results to ${JSON.stringify(file)}: ${reason}\n`])
  }
})

test('a standard output that is closed ends the crawl with one clear line', limits, async () => {
  await using site = await serve(wide(300, 5))
  const command = start([site.origin, '--processes', '4'])
  await command.until(({ stdout }) => stdout.includes('\n'))
  const workers = descendants(command.child.pid!)
  command.child.stdout?.destroy()
  assert.equal(await command.ended, 1)
  assert.equal(
    notes(command.stderr),
    'crawl: cannot write results to the standard output: its reader has closed it (EPIPE)\n'
  )
  assert.ok(site.requests.length < 200)
  assert.deepEqual(workers.filter(isAlive), [])
})

test('a closed standard error is no reason to stop', limits, async () => {
  await using site = await serve(small)
  const command = start([site.origin, '--processes', '1'])
  command.child.stderr?.destroy()
  assert.equal(await command.ended, 0)
  assert.equal(readLines(command.stdout).length, 5)
})

test('Ctrl-C ends the crawl with its results, and ends its workers', limits, async () => {
  await using site = await serve(wide(500, 20))
  const file = join(directory, 'interrupted.jsonl')
  for (const out of [[], ['--out', file]]) {
    site.requests.length = 0
    // A process group of its own: a terminal sends SIGINT to every process of the one in front.
    const command = start([site.origin, '--processes', '4', '--concurrency', '2', ...out], { detached: true })
    await (out.length === 0
      ? command.until(({ stdout }) => stdout.split('\n').length > 3)
      : untilTrue(() => site.requests.length > 30))
    const workers = descendants(command.child.pid!)
    assert.ok(workers.length >= 4)
    process.kill(-command.child.pid!, 'SIGINT')
    assert.equal(await command.ended, 130)
    const text = out.length === 0 ? command.stdout : readFileSync(file, 'utf8')
    const results = readLines(text)
    assert.ok(text.endsWith('\n'))
    assert.ok(results.length >= 3 && results.length < 400)
    assert.ok(results.every(({ error }) => error === null))
    const [first, last] = command.stderr
      .trimEnd()
      .split('\n')
      .filter(line => !/^(Limited by|Report): /.test(line))
      .slice(-2)
    assert.ok(first.startsWith(`${results.length} pages in `), command.stderr)
    assert.match(last, /^Interrupted; \d+ known pages not visited$/)
    assert.deepEqual(workers.filter(isAlive), [])
  }
})

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 10))
}

test('a second Ctrl-C ends it at once', limits, async () => {
  await using site = await serve(wide(500, 20))
  const command = start([site.origin, '--processes', '4'], { detached: true })
  await command.until(({ stdout }) => stdout.includes('\n'))
  const workers = descendants(command.child.pid!)
  // Stopped, it finds both signals together when it goes on.
  for (const signal of ['SIGSTOP', 'SIGINT', 'SIGCONT', 'SIGINT'] as const) process.kill(command.child.pid!, signal)
  assert.equal(await command.ended, 130)
  await untilTrue(() => !workers.some(isAlive))
})

test('neither SIGTERM nor SIGKILL leaves a worker', limits, async () => {
  await using site = await serve(wide(500, 20))
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGKILL', 'SIGKILL']
  ] as const) {
    const command = start([site.origin, '--processes', '4'])
    await command.until(({ stdout }) => stdout.includes('\n'))
    const workers = descendants(command.child.pid!)
    command.child.kill(signal)
    assert.equal(await command.ended, code)
    await untilTrue(() => !workers.some(isAlive))
  }
})

test('progress is plain lines without a terminal', limits, async () => {
  await using site = await serve(wide(3, 1500))
  const { stdout, stderr } = await run([site.origin, '--processes', '1', '--concurrency', '1'])
  assert.equal(readLines(stdout).length, 4)
  const lines = stderr.split('\n').filter(line => line.includes('queued'))
  assert.ok(lines.length >= 2, stderr)
  for (const line of lines) assert.match(line, /^\d pages?, \d queued, \d\.\d pages\/s, 0 errors$/)
})
