import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { Client } from '../../src/http/client.ts'
import { defaultSettings } from '../../src/http/settings.ts'
import { RobotsFile } from '../../src/robots/rules.ts'
import { readLink } from '../../src/url/link.ts'
import { readCachedLink } from '../../src/url/link-cache.ts'

const limits = { timeout: 60_000 }

/** Paths and queries as they are in attributes: anything, with the characters that matter often among it. */
const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'a',
      'Z',
      '~',
      '%7e',
      '%7E',
      '%2f',
      '%2F',
      '%41',
      '%',
      '%%',
      '%4',
      '/',
      '?',
      '.',
      '..',
      '%2e',
      '&',
      '='
    )
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ' ',
      '"',
      "'",
      '<',
      '>',
      '\\',
      '^',
      '`',
      '{',
      '|',
      '}',
      '[',
      ']',
      '*',
      '$',
      ';',
      ':',
      '@',
      '+',
      ','
    )
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }) }
)
const href = fc.array(piece, { maxLength: 14 }).map(parts => `/${parts.join('').replace(/[#\t\n\r]/g, '')}`)
const base = 'http://example.com/dir/page'

function normal(text: string): string | undefined {
  const link = readLink(text, base)
  return link.kind === 'page' && link.url.startsWith('http://example.com/') ? link.url : undefined
}

/** Another spelling of a URL in normal form: unreserved characters are encoded, the digits of escapes change their case. */
function respell(url: string, seed: number): string {
  const from = 'http://example.com'.length
  let state = seed
  const next = () => (state = (state * 1103515245 + 12345) & 0x7fffffff) % 3
  return (
    url.slice(0, from) +
    url.slice(from).replace(/%[0-9A-F]{2}|[\w~-]/g, (text, at: number, whole: string) => {
      if (text.length === 3) return next() === 0 ? text.toLowerCase() : text
      // Behind a stray `%` the character may be a digit of what looks like an escape.
      if (/%[0-9a-f]?$/i.test(whole.slice(Math.max(0, at - 2), at)) || next() !== 0) return text
      return `%${text.charCodeAt(0).toString(16)}`
    })
  )
}

test('the normal form of a URL is its own normal form', limits, () => {
  fc.assert(
    fc.property(href, text => {
      const url = normal(text)
      fc.pre(url !== undefined)
      assert.equal(normal(url!), url)
      assert.equal(new URL(url!).href, url)
    }),
    { numRuns: 3000 }
  )
})

test('a remembered link equals a newly read one, on whatever page it is', limits, () => {
  const relative = fc.array(fc.oneof(piece, fc.constantFrom('http:', '//', 'mailto:', '\t', '#', 'b/', '../')), {
    maxLength: 6
  })
  const bases = [
    'http://example.com/dir/page',
    'http://example.com/dir/other?q=/x/',
    'https://example.com/dir/',
    'http://example.com/'
  ]
  fc.assert(
    fc.property(
      relative.map(parts => parts.join('')),
      href => {
        for (const page of [...bases, ...bases])
          assert.deepEqual(readCachedLink(href, page), readLink(href, page), page)
      }
    ),
    { numRuns: 3000 }
  )
})

test('spellings of one URL have one normal form', limits, () => {
  fc.assert(
    fc.property(href, fc.nat(), (text, seed) => {
      const url = normal(text)
      fc.pre(url !== undefined)
      assert.equal(normal(respell(url!, seed)), url)
    }),
    { numRuns: 3000 }
  )
})

test('a rule of robots.txt that is a path, in any spelling, matches the URL of that path', limits, () => {
  fc.assert(
    fc.property(href, fc.nat(), (text, seed) => {
      // In a rule these have a meaning of their own.
      const url = normal(text.replace(/[*$]/g, ''))
      fc.pre(url !== undefined)
      const path = url!.slice('http://example.com'.length)
      for (const rule of [path, respell(url!, seed).slice('http://example.com'.length)]) {
        assert.equal(new RobotsFile(`User-agent: *\nDisallow: ${rule}`).ruleFor(path, 'crawl')?.isAllowed, false, rule)
        assert.equal(new RobotsFile(`User-agent: *\nDisallow: ${rule}$`).ruleFor(path, 'crawl')?.isAllowed, false, rule)
        assert.equal(new RobotsFile(`User-agent: *\nDisallow: ${rule}$`).ruleFor(`${path}x`, 'crawl'), undefined, rule)
      }
    }),
    { numRuns: 2000 }
  )
})

test('a rule with stars matches as the equivalent regular expression does', limits, () => {
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '/', '*', '?'), { maxLength: 8 })
    .map(parts => `/${parts.join('')}`)
  const path = fc.array(fc.constantFrom('a', 'b', '/', '?'), { maxLength: 12 }).map(parts => `/${parts.join('')}`)
  fc.assert(
    fc.property(pattern, path, fc.boolean(), (rule, asked, isAnchored) => {
      const source = rule.replace(/[?/]/g, '\\$&').replaceAll('*', '.*')
      const expected = new RegExp(`^${source}${isAnchored ? '$' : ''}`).test(asked)
      const file = new RobotsFile(`User-agent: *\nDisallow: ${rule}${isAnchored ? '$' : ''}`)
      assert.equal(file.ruleFor(asked, 'crawl') !== undefined, expected)
    }),
    { numRuns: 3000 }
  )
})

test('the request is for the URL that is compared', limits, async () => {
  const asked: string[] = []
  const server = createServer(socket => {
    socket
      .on('error', () => {})
      .on('data', data => {
        asked.push(data.toString('latin1').split(' ', 2)[1])
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new Client(defaultSettings)
  try {
    await fc.assert(
      fc.asyncProperty(href, async text => {
        const url = normal(text)
        fc.pre(url !== undefined)
        const path = url!.slice('http://example.com'.length)
        const answer = await client.get({ url: origin + path }, () => true)
        assert.equal(answer.error, null)
        assert.equal(asked.at(-1), path)
      }),
      { numRuns: 300 }
    )
  } finally {
    await client.close()
    server.close()
  }
})
