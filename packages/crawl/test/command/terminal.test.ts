import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { Progress } from '../../src/command/progress.ts'
import { Summary } from '../../src/command/summary.ts'
import { byteSize, count, seconds, table } from '../../src/format/text.ts'
import type { CrawlStats } from '../../src/index.ts'
import { emptyRecord } from '../../src/page/record.ts'

const limits = { timeout: 10_000 }
const stats: CrawlStats = {
  pages: 12,
  errors: 1,
  queued: 34,
  underWay: 4,
  disallowed: 0,
  bytes: 56_000,
  crawlDelayMs: 0,
  retries: 0,
  workers: 0,
  throttleMs: 0,
  latencyP95Ms: 0,
  traps: []
}

/** A stream that keeps what is written, and says that it is a terminal, or not. */
function fakeStream(isTTY: boolean, columns = 80): { stream: NodeJS.WriteStream; written: () => string } {
  let text = ''
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += chunk
      done()
    }
  })
  return { stream: Object.assign(stream, { isTTY, columns }) as unknown as NodeJS.WriteStream, written: () => text }
}

test('on a terminal, progress is one line that is redrawn and removed', limits, () => {
  const { stream, written } = fakeStream(true)
  const progress = new Progress(stream, 'label: ', () => stats)
  progress.draw()
  assert.match(written(), /label: 12 pages, 34 queued, \d+\.\d pages\/s, 1 error/)
  assert.ok(!written().includes('\n'))
  progress.stop()
  // Column 1, then the whole line erased (ECMA-48: CHA, EL 2).
  assert.ok(written().endsWith('\u001b[1G\u001b[2K'), JSON.stringify(written()))
})

test('a line longer than the terminal is cut', limits, () => {
  const { stream, written } = fakeStream(true, 20)
  new Progress(stream, '', () => stats).stop()
  assert.ok(written().includes('12 pages, 34 queued'))
  assert.ok(!written().includes('12 pages, 34 queued,'))
})

test('a delay that robots.txt asks for is reported', limits, () => {
  const { stream, written } = fakeStream(true, 200)
  new Progress(stream, '', () => ({ ...stats, crawlDelayMs: 10_000 })).stop()
  assert.ok(written().includes('robots.txt asks for 10.0 s between requests'))
})

test('without a terminal, nothing is redrawn', limits, () => {
  const { stream, written } = fakeStream(false)
  const progress = new Progress(stream, '', () => stats)
  assert.equal(written(), '')
  progress.draw()
  progress.clear()
  progress.stop()
  assert.match(written(), /^12 pages, 34 queued, \d+\.\d pages\/s, 1 error\n$/)
})

test('the summary counts errors by their kind, the most frequent first', limits, () => {
  const summary = new Summary()
  const result = { ...emptyRecord('http://a/'), depth: 0, from: null }
  for (const error of [
    null,
    'not HTML: application/pdf',
    'HTTP 404 Not Found',
    'not HTML: image/png',
    'loop of redirects: http://a/ -> http://a/',
    'not a URL (linked from http://a/)',
    'not HTML: text/plain'
  ]) {
    summary.add({ ...result, error })
  }
  const lines = summary.lines({ ...stats, pages: 7, errors: 6, disallowed: 2 }, 2000, 'Interrupted')
  assert.deepEqual(lines, [
    '7 pages in 2.00 s (3.5 pages/s), 56.0 kB',
    '  1 without error',
    '  3 not HTML',
    '  1 HTTP 404 Not Found',
    '  1 loop of redirects',
    '  1 not a URL',
    'Not asked for, as robots.txt disallows it: 2 pages',
    'Interrupted; 34 known pages not visited'
  ])
  assert.equal(new Summary().lines({ ...stats, errors: 0 }, 1000, null).length, 1)
})

test('numbers are formatted for people', limits, () => {
  assert.deepEqual(
    [0, 1, 2].map(number => count(number, 'page')),
    ['0 pages', '1 page', '2 pages']
  )
  assert.deepEqual([0, 250, 9994, 9995, 75_300].map(seconds), ['0.00 s', '0.25 s', '9.99 s', '10.0 s', '75.3 s'])
  assert.deepEqual([0, 999, 1000, 999_949, 999_950, 1_250_000].map(byteSize), [
    '0 B',
    '999 B',
    '1.0 kB',
    '999.9 kB',
    '1.0 MB',
    '1.3 MB'
  ])
  assert.deepEqual(
    table([
      ['', 'n'],
      ['long name', '7'],
      ['x', '1234']
    ]),
    ['              n', 'long name     7', 'x          1234']
  )
})
