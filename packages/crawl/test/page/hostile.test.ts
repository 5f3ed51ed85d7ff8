import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { readHtml } from '../../src/page/html-events.ts'
import { parsePage } from '../../src/page/parse.ts'
import { at, collect, page, processorTime, serve, start } from '../support.ts'

const limits = { timeout: 60_000 }
const url = 'http://example.com/'
const MUCH = 200_000

const hostile: [name: string, html: string][] = [
  ['unclosed <b>, then </i>', '<b>'.repeat(MUCH) + '</i>'.repeat(MUCH)],
  ['unclosed <a>', '<a href=x>'.repeat(800_000)],
  ['unclosed <div>, then </p>', '<div>'.repeat(MUCH) + '</p>'.repeat(MUCH)],
  ['nested <svg>', '<svg>'.repeat(MUCH) + '</foreignObject>'.repeat(MUCH)],
  ['nested <form>', '<form>'.repeat(MUCH)],
  ['nested <table>', '<table><tr><td>'.repeat(MUCH)],
  ['nested <h1>', '<h1>x'.repeat(MUCH)],
  ['attributes without end', `<a ${'x=1 '.repeat(MUCH)}`],
  ['attributes of many names', `<a ${Array.from({ length: MUCH }, (_, index) => `a${index}=1`).join(' ')}>`],
  ['ampersands', '&'.repeat(MUCH * 5)],
  ['character references', '&#x41;&amp;&notit;'.repeat(MUCH)],
  ['comments without end', '<!--'.repeat(MUCH)],
  ['comment ends', `<!-${'-!'.repeat(MUCH)}`],
  ['left brackets', '<'.repeat(MUCH * 5)],
  ['end tags', '</x>'.repeat(MUCH)],
  ['titles', '<title>'.repeat(MUCH)],
  ['scripts', '<script>'.repeat(MUCH)],
  ['CDATA', '<svg><![CDATA['.repeat(MUCH)],
  ['one URL of a megabyte', `<a href="/${'a'.repeat(1_000_000)}">`],
  ['many bad URLs', '<a href="http://[">'.repeat(MUCH)],
  ['a srcset of a megabyte', `<img srcset="${'a 1x,'.repeat(MUCH)}">`],
  ['a srcset of commas', `<img srcset="${','.repeat(MUCH * 5)}">`],
  ['a refresh of spaces', `<meta http-equiv=refresh content="0${' '.repeat(MUCH)};url">`],
  ['directives', `<meta name=robots content="${'none,'.repeat(MUCH)}">`],
  ['white space in a title', `<title>${' \n'.repeat(MUCH * 2)}</title>`]
]

test('no page takes more than time in proportion to its length', limits, () => {
  for (const [name, html] of hostile) {
    for (const keepLinks of [false, true]) {
      const time = processorTime(() => parsePage(html, url, { keepLinks }))
      // Quadratic time is minutes for these; linear time is far below a second on a quiet machine.
      assert.ok(time < 8000, `${name}: ${time} ms`)
    }
  }
})

test('parsing ends at its time limit', limits, () => {
  const handler = { wanted: new Set<string>(), open() {}, close() {}, text() {} }
  assert.throws(() => readHtml('<b>'.repeat(100_000), handler, 0), { message: 'it takes too long' })
})

test(
  'a page of 724 bytes that unpacks to 100,000 open tags costs nothing, with workers and without',
  limits,
  async () => {
    const bomb = gzipSync('<b>'.repeat(1e5) + '</i>'.repeat(1e5))
    await using site = await serve({
      '/': page('home', '/bomb', '/after'),
      '/bomb': (_, response) =>
        response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(bomb),
      '/after': page('after')
    })
    for (const processes of [0, 1]) {
      const results = await collect(site.origin, { processes })
      assert.deepEqual([at(results, '/bomb').error, at(results, '/after').title], [null, 'after'])
      assert.ok(at(results, '/bomb').parseMs < 5000)
    }
  }
)

test('Ctrl-C ends a crawl without workers that reads large hostile pages', limits, async () => {
  const heavy = gzipSync('<a href=x>'.repeat(1_500_000))
  await using site = await serve((request, response) => {
    if (request.url === '/robots.txt') response.writeHead(404).end()
    else if (request.url === '/')
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(page('home', ...Array.from({ length: 500 }, (_, index) => `/${index}`)))
    else response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(heavy)
  })
  const command = start([site.origin, '--processes', '0'])
  await command.until(({ stdout }) => stdout.split('\n').length > 2)
  command.child.kill('SIGINT')
  assert.equal(await command.ended, 130)
})
