/** How many behaviours the catalogue has, and that each runs on both grounds, or says why not. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { catalogue, onlyList } from '../fixtures/conformance/grounds.ts'
import { limit } from '../fixtures/slowness.ts'

test('at least 250 behaviours run over processes and over threads', { timeout: limit(60_000) }, async t => {
  onlyList()
  const files = readdirSync(new URL('.', import.meta.url)).filter(name => name.endsWith('.test.js'))
  for (const name of files) {
    if (!import.meta.url.endsWith(name)) await import(`./${name}`)
  }
  const all = [...catalogue.values()]
  const onBoth = all.filter(({ grounds }) => grounds.length === 2)
  for (const { name, grounds, because } of all) {
    assert.ok(grounds.length === 2 || because !== undefined, `${name}: runs over ${grounds} and does not say why`)
  }
  t.diagnostic(`${onBoth.length} behaviours run on both grounds, ${all.length - onBoth.length} on one`)
  assert.ok(onBoth.length >= 250, `${onBoth.length} behaviours`)
})
