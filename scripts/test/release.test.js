/** What a release needs: one version, a changelog in its form, and the manual in the package. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mendLinks } from '../manual.js'
import { packageDirectories, sizeOf } from '../size.js'
import { differences } from '../version.js'

const timeout = 180_000
const root = fileURLToPath(new URL('../../', import.meta.url))

test('all packages have one version, and depend on each other by it', () => {
  assert.deepEqual(differences(), [])
})

test('the changelog has the form of Keep a Changelog', () => {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const versions = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
  assert.equal(versions[0], '[Unreleased]')
  for (const heading of versions.slice(1)) assert.match(heading, /^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/)
  const kinds = [...text.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading)
  assert.ok(kinds.length > 0)
  for (const kind of kinds) assert.match(kind, /^(?:Added|Changed|Deprecated|Removed|Fixed|Security)$/)
})

test('the package multiprocess has the manual, and no package is larger than it may be', { timeout }, () => {
  const sizes = packageDirectories().map(sizeOf)
  assert.deepEqual(sizes.map(({ name }) => name).sort(), ['crawl', 'multiprocess', 'multiprocess-cluster'])
  for (const { name, size, files } of sizes) {
    assert.ok(size > 10_000 && size < 1_500_000, `${name} has ${size} bytes`)
    const paths = files.map(({ path }) => path)
    assert.ok(paths.includes('README.md') && paths.includes('LICENSE'), `${name} lacks its README or LICENSE`)
    assert.ok(
      paths.every(path => !path.includes('test/')),
      `${name} has tests`
    )
    if (name !== 'multiprocess') continue
    for (const page of ['docs/README.md', 'docs/pool.md', 'docs/troubleshooting.md', 'docs/recipes/server.md']) {
      assert.ok(paths.includes(page), `${name} lacks ${page}`)
    }
  }
})

test('a link of the manual to what the package does not have becomes its text', () => {
  const text = '[a](pool.md#errors) [b](../CONTRIBUTING.md) [c](https://example.org/) [d](#here) [e](../README.md)'
  assert.equal(
    mendLinks(text, 'channels.md'),
    '[a](pool.md#errors) b [c](https://example.org/) [d](#here) [e](../README.md)'
  )
})
