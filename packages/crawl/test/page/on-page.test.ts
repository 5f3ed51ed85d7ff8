import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crawl, type PageContext } from '../../src/index.ts'
import { at, collect, page, paths, serve } from '../support.ts'

const limits = { timeout: 60_000 }

const pages = {
  '/': page('home', '/a', '/b'),
  '/a': page('a'),
  '/b': '<h1>b</h1><p class="price">7</p>',
  '/hidden': page('hidden')
}

test('the type of data is that of what onPage returns', limits, async () => {
  await using site = await serve(pages)
  const prices: number[] = []
  for await (const { data } of crawl(site.origin, {
    processes: 0,
    onPage: ({ $ }) => ({ price: Number($('.price').text()) })
  })) {
    if (data !== null) prices.push(data.price)
    // @ts-expect-error: it has no such field.
    assert.equal(data?.cost, undefined)
  }
  assert.deepEqual(prices.sort(), [0, 0, 7])
  for await (const { data } of crawl(site.origin, { processes: 0, limit: 1, onPage: async ({ url }) => url })) {
    const text: string | null = data
    assert.equal(text, `${site.origin}/`)
  }
  for await (const { data } of crawl(site.origin, { processes: 0, limit: 1 })) {
    // @ts-expect-error: nothing is known of it.
    const text: string | null = data
    assert.equal(text, null)
  }
})

test('a worker whose onPage never ends is replaced, and the crawl goes on', limits, async () => {
  await using site = await serve({
    '/': page('home', '/stuck', '/after'),
    '/stuck': page('stuck'),
    '/after': page('after')
  })
  const results = await collect(site.origin, {
    processes: 1,
    concurrency: 1,
    totalTimeoutMs: 2000,
    onPage: ({ url }) => {
      while (url.endsWith('/stuck'));
      return process.pid
    }
  })
  assert.match(at(results, '/stuck').error ?? '', /^the page was not done within 5000 ms; its worker was replaced$/)
  assert.deepEqual([at(results, '/after').error, at(results, '/after').title], [null, 'after'])
  assert.notEqual(at(results, '/after').data, at(results, '/').data)
  assert.notEqual(at(results, '/after').data, process.pid)
})

for (const processes of [0, 2]) {
  const where = processes === 0 ? 'in this process' : 'in a worker'

  test(`the result of onPage is the page's data, ${where}`, limits, async () => {
    await using site = await serve(pages)
    const factor = 6
    const results = await collect(site.origin, {
      processes,
      onPage: async ({ $, html, url, status, headers, links }: PageContext) => {
        await Promise.resolve()
        const price = $('.price').text()
        return {
          price: price === '' ? null : Number(price) * factor,
          length: html.length,
          path: new URL(url).pathname,
          status,
          type: headers['content-type'],
          links: links.length,
          pid: process.pid
        }
      }
    })
    const { pid, ...data } = at(results, '/b').data as Record<string, unknown>
    assert.deepEqual(data, {
      price: 42,
      length: pages['/b'].length,
      path: '/b',
      status: 200,
      type: 'text/html; charset=utf-8',
      links: 0
    })
    assert.equal(pid === process.pid, processes === 0)
    assert.equal((at(results, '/').data as Record<string, unknown>)['links'], 2)
  })

  test(`an error of onPage is that page's error, and the crawl continues, ${where}`, limits, async () => {
    await using site = await serve(pages)
    const results = await collect(site.origin, {
      processes,
      onPage: ({ url }) => {
        if (url.endsWith('/a')) throw new RangeError('no price')
        return 1
      }
    })
    assert.equal(results.length, 3)
    assert.deepEqual([at(results, '/a').error, at(results, '/a').data], ['onPage failed: RangeError: no price', null])
    assert.deepEqual([at(results, '/b').error, at(results, '/b').data], [null, 1])
  })

  test(`onPage adds URLs to visit, within the scope, ${where}`, limits, async () => {
    await using site = await serve(pages)
    const results = await collect(site.origin, {
      processes,
      onPage({ url, enqueue }) {
        if (new URL(url).pathname !== '/') return
        enqueue('hidden')
        enqueue('http://elsewhere.invalid/')
        enqueue('mailto:nobody')
      }
    })
    assert.match(
      at(results, '/').error ?? '',
      /^onPage failed: TypeError: cannot enqueue "mailto:nobody": it is no URL/
    )
    assert.equal(at(results, '/hidden').depth, 1)
    assert.deepEqual(paths(results).sort(), ['/', '/a', '/b', '/hidden'])
  })
}
