import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readGlob } from '../../src/scope/glob.ts'
import { Scope, type ScopeOptions } from '../../src/scope/scope.ts'

const limits = { timeout: 10_000 }

function scope(start: string | string[], options: Partial<ScopeOptions> = {}): Scope {
  return new Scope([start].flat(), {
    scope: 'host',
    include: [],
    exclude: [],
    pageRequisites: false,
    depth: Number.POSITIVE_INFINITY,
    ...options
  })
}

test('a glob matches the path, the end of the path, the query or the whole URL, depending on its form', limits, () => {
  for (const [glob, url, expected] of [
    ['/blog/*', 'http://a/blog/x', true],
    ['/blog/*', 'http://a/blog/x/y', false],
    ['/blog/*', 'http://a/x/blog/y', false],
    ['/blog/**', 'http://a/blog/x/y.html', true],
    ['/blog/**', 'http://a/blog/.hidden', true],
    ['/blog/**', 'http://a/blogs/x', false],
    ['/', 'http://a/', true],
    ['/', 'http://a/b', false],
    ['*.pdf', 'http://a/x/y/z.pdf', true],
    ['*.pdf', 'http://a/z.pdf', true],
    ['*.pdf', 'http://a/z.pdf?download=1', true],
    ['*.pdf', 'http://a/z.pdfx', false],
    ['/search?q=*', 'http://a/search?q=cats', true],
    ['/search?q=*', 'http://a/search', false],
    ['/{a,b}/**', 'http://a/b/c', true],
    ['/{a,b}/**', 'http://a/c/c', false],
    ['https://b.com/**', 'https://b.com/x', true],
    ['https://b.com/**', 'https://c.com/x', false],
    ['http://*.a.com/**', 'http://x.a.com/y', true],
    ['/a(b)', 'http://a/a(b)', true],
    ['/!x', 'http://a/y', false]
  ] as const) {
    assert.equal(readGlob(glob, 'include').matches(new URL(url)), expected, `${glob} ${url}`)
  }
  assert.throws(() => readGlob(' ', 'exclude'), {
    name: 'TypeError',
    message: /^cannot use " " as exclude: a glob such as/
  })
})

test('a URL outside the scope is refused, with the rule', limits, () => {
  for (const [start, options, url, depth, refusal] of [
    ['http://www.a.com/x/', {}, 'https://a.com/y', 1, null],
    ['http://a.com/', {}, 'http://b.a.com/', 1, 'is outside the site (--scope host: a.com)'],
    ['http://www.a.com/', { scope: 'subdomains' }, 'http://b.c.a.com/', 1, null],
    [
      'http://a.com/',
      { scope: 'subdomains' },
      'http://ba.com/',
      1,
      'is outside the site (--scope subdomains: *.a.com)'
    ],
    ['http://a.com/docs/index.html', { scope: 'prefix' }, 'http://a.com/docs/x', 1, null],
    [
      'http://a.com/docs/',
      { scope: 'prefix' },
      'http://a.com/doc',
      1,
      'is outside the site (--scope prefix: a.com/docs/)'
    ],
    [['http://a.com/', 'http://b.com/'], {}, 'http://b.com/x', 1, null],
    ['http://a.com/', { depth: 2 }, 'http://a.com/x', 2, null],
    ['http://a.com/', { depth: 2 }, 'http://a.com/x', 3, 'is 3 links away from the first page (--depth 2)'],
    ['http://a.com/', { exclude: ['/x/**', '*.pdf'] }, 'http://a.com/y/z.pdf', 1, 'matches --exclude *.pdf'],
    ['http://a.com/', { include: ['/x/**', '/y'] }, 'http://a.com/z', 1, 'matches no --include (/x/**, /y)'],
    ['http://a.com/', { include: ['/x/**'], exclude: ['*.pdf'] }, 'http://a.com/x/a.pdf', 1, 'matches --exclude *.pdf'],
    ['http://a.com/', { include: ['/x/**'] }, 'http://a.com/x/a', 1, null]
  ] as const) {
    assert.equal(scope(start as string, options).refusal(url, depth), refusal, url)
  }
})
