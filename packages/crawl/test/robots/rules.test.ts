import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RobotsFile } from '../../src/robots/rules.ts'
import { at, collect, page, paths, processorTime, serve } from '../support.ts'

const limits = { timeout: 20_000 }

function isAllowed(rules: string, path: string, robot = 'crawl'): boolean {
  return new RobotsFile(rules).ruleFor(path, robot)?.isAllowed ?? true
}

test('percent-encoding makes no difference to a rule', limits, async () => {
  assert.equal(isAllowed('User-agent: *\nDisallow: /%7Ejoe/', '/~joe/x'), false)
  assert.equal(isAllowed('User-agent: *\nDisallow: /~joe/', '/~joe/x'), false)
  assert.equal(isAllowed('User-agent: *\nDisallow: /a%3cd.html', '/a%3Cd.html'), false)
  assert.equal(isAllowed('User-agent: *\nDisallow: /a%2fb.html', '/a/b.html'), true)
  assert.equal(isAllowed('User-agent: *\nDisallow: /a%2fb.html', '/a%2Fb.html'), false)
  assert.equal(isAllowed('User-agent: *\nDisallow: /ツ', '/%E3%83%84'), false)
  assert.equal(isAllowed('User-agent: *\nDisallow: /a|b', '/a%7Cb'), false)
  await using site = await serve({
    '/robots.txt': 'User-agent: *\nDisallow: /%7Ejoe/',
    '/': page('home', '/%7Ejoe/x', '/b')
  })
  assert.ok(!paths(await collect(site.origin)).some(path => path.includes('joe')))
  assert.ok(!site.requests.some(({ path }) => path.includes('joe')))
})

test('groups, and the longest rule, decide according to RFC 9309', limits, () => {
  const file = `
user-agent: one
User-Agent: Crawl/2.0
disallow: /a
allow: /a/b
Disallow: /*.gif$
Disallow: /same
Allow: /same
Disallow:

User-agent: *
Disallow: /

User-agent: crawl
Disallow: /second-group
Crawl-delay: 2
Sitemap: /map.xml`
  for (const [path, expected] of [
    ['/', true],
    ['/a', false],
    ['/a/c', false],
    ['/a/b/c', true],
    ['/x.gif', false],
    ['/x.gif?y', true],
    ['/same', true],
    ['/second-group/x', false]
  ] as const) {
    assert.equal(isAllowed(file, path), expected, path)
  }
  assert.equal(isAllowed(file, '/b', 'other'), false)
  const robots = new RobotsFile(file)
  assert.deepEqual([robots.crawlDelay('crawl'), robots.crawlDelay('other'), robots.sitemaps], [2, 0, ['/map.xml']])
  assert.deepEqual(robots.ruleFor('/a/b', 'crawl'), { ...robots.ruleFor('/a/b', 'crawl'), text: '/a/b', line: 5 })
})

test('a robots.txt cannot make the crawl slow', limits, async () => {
  for (const [name, rules] of [
    ['one rule of stars', `Disallow: /${'*'.repeat(490_000)}x`],
    ['stars and letters', `Disallow: /${'*a'.repeat(245_000)}x`],
    ['many rules of stars', `Disallow: /*a*a*a*a*a*b\n`.repeat(22_000)],
    ['long literals', `Disallow: /*${'a'.repeat(1900)}b\n`.repeat(250)],
    ['many agents', `${'User-agent: a\n'.repeat(30_000)}Disallow: /\n`]
  ] as const) {
    const time = processorTime(() => {
      const file = new RobotsFile(`User-agent: *\n${rules}`)
      for (let index = 0; index < 20; index++) file.ruleFor(`/${'a'.repeat(200)}${index}`, 'crawl')
    })
    assert.ok(time < 10_000, `${name}: ${time} ms`)
  }
  await using site = await serve({
    '/robots.txt': `User-agent: *\nDisallow: /${'*'.repeat(490_000)}x\nDisallow: /closed`,
    '/': page('home', '/a', '/closed', '/b'),
    '/a': page('a'),
    '/b': page('b')
  })
  const results = await collect(site.origin)
  assert.equal(at(results, '/a').title, 'a')
  assert.ok(!paths(results).includes('/closed'))
})
