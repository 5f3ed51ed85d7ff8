import assert from 'node:assert/strict'
import test from 'node:test'
import { cssUrls } from '../../src/page/css-urls.ts'

const limits = { timeout: 20_000 }

test('the URLs of a style sheet are found, in every form that CSS has', limits, () => {
  const css = `
    @import "a.css"; @import 'b.css' screen; @import url(c.css); @IMPORT URL("d.css") layer(x);
    /* url(comment.png) @import "comment.css"; */
    body { background: url( e.png ) , URL('f (1).png'), url("g\\"h.png"); content: 'url(text.png)'; }
    @font-face { font-family: x; src: url(\\69.woff2) format("woff2"), local("y"); }
    .a { fill: url(#gradient); background: url(); mask: url("data:image/png;base64,AA==") }
    .b { background: image-set("no.png" 1x, url(two\\ words.png) 2x) } /* unclosed url(z.png)`
  assert.deepEqual(
    cssUrls(css).map(({ href, isImport }) => (isImport ? `@${href}` : href)),
    [
      '@a.css',
      '@b.css',
      '@c.css',
      '@d.css',
      'e.png',
      'f (1).png',
      'g"h.png',
      'i.woff2',
      'data:image/png;base64,AA==',
      'two words.png'
    ]
  )
})

test('hostile style sheets are read in linear time', limits, () => {
  const hostile = ['/*', '"', "url('", 'url(', 'url( ', '@import ', '\\', 'url("\\', "'\\\n"]
  for (const piece of hostile) {
    const start = process.cpuUsage()
    cssUrls(piece.repeat(500_000))
    const { user, system } = process.cpuUsage(start)
    assert.ok(user + system < 5_000_000, `${JSON.stringify(piece)} took ${(user + system) / 1e6} s`)
  }
  cssUrls(`url(${' '.repeat(500_000)}x`)
  cssUrls(`@import${' '.repeat(500_000)}x`)
})
