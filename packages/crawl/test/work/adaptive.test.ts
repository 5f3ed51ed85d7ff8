import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../../src/http/client.ts'
import { defaultSettings } from '../../src/http/settings.ts'
import { crawl } from '../../src/index.ts'
import { AdaptiveFetcher, Growth } from '../../src/work/adaptive-fetcher.ts'
import { descendants, page, processBehind, serve } from '../support.ts'

const limits = { timeout: 60_000 }

test(
  'a worker is added when the loop is saturated, processors are idle and many pages are left, for a while',
  limits,
  () => {
    const busy = { loop: 0.98, freeProcessors: 1 }
    const wanted = (growth: Growth, load = busy, workers = 0, queued = 1000) =>
      growth.wantsWorker(load, workers, queued)
    const growth = new Growth(2)
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map(() => wanted(growth)),
      [false, false, false, true, false, false, false, true]
    )
    const never = new Growth(2)
    for (const [load, workers, queued] of [
      [{ loop: 0.5, freeProcessors: 2 }, 0, 1000],
      [{ loop: 1, freeProcessors: 0.3 }, 0, 1000],
      [busy, 0, 20],
      [busy, 2, 1000]
    ] as const) {
      for (let window = 0; window < 20; window++) assert.ok(!wanted(never, load, workers, queued))
    }
    const broken = new Growth(2)
    for (let round = 0; round < 5; round++) {
      for (let window = 0; window < 3; window++) assert.ok(!wanted(broken))
      assert.ok(!wanted(broken, { loop: 0.2, freeProcessors: 1 }))
    }
  }
)

test('20 small pages start no worker', limits, async () => {
  const links = Array.from({ length: 20 }, (_, index) => `/${index}`)
  await using site = await serve({
    '/': page('home', ...links),
    ...Object.fromEntries(links.map(link => [link, page(link)]))
  })
  const before = descendants(process.pid).length
  const pages = crawl(site.origin)
  let count = 0
  for await (const { error } of pages) {
    assert.equal(error, null)
    assert.equal(descendants(process.pid).length, before)
    count++
  }
  assert.deepEqual([count, pages.stats.workers], [21, 0])
})

test('a page that a worker died over is given to a worker, and never to this process', limits, async () => {
  const askedBy: number[] = []
  await using site = await serve({
    '/suspect': (request, response) => {
      askedBy.push(processBehind(request))
      response.writeHead(200, { 'content-type': 'text/html' }).end(page('suspect'))
    },
    '/': page('home')
  })
  const client = new Client(defaultSettings)
  const fetcher = new AdaptiveFetcher(client, null, { processes: 2, places: 4, queued: () => 0 })
  try {
    assert.equal((await fetcher.fetch({ url: `${site.origin}/` })).record.title, 'home')
    assert.equal(fetcher.workers, 0)
    assert.equal((await fetcher.fetch({ url: `${site.origin}/suspect` }, true)).record.title, 'suspect')
    assert.equal(fetcher.workers, 1)
    assert.notEqual(askedBy[0], process.pid)
  } finally {
    await fetcher.close()
    await client.close()
  }
})
