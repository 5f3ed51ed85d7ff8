import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { rollup } from '@rollup/wasm-node'
import { chunks } from '../chunks.js'
import { defer } from '../defer.js'
import { entryUrls } from '../entry-urls.js'

const timeout = 60_000
let directory
let count = 0

before(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'bundle-'))
})
after(() => rmSync(directory, { recursive: true }))

/** Bundles the files with the build's plugins; `face` is an entry that programs import. */
async function bundle(files) {
  const home = path.join(directory, String(count++))
  const out = path.join(home, 'out')
  mkdirSync(home, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(home, name)), { recursive: true })
    writeFileSync(path.join(home, name), text)
  }
  const input = { face: path.join(home, 'face.js') }
  if (files['child-main.js'] !== undefined) input['child-main'] = path.join(home, 'child-main.js')
  const built = await rollup({
    input,
    external: /^(?:node:|package$)/,
    logLevel: 'silent',
    plugins: [entryUrls(input), defer, chunks([input.face])]
  })
  await built.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].cjs',
    manualChunks: id => (Object.values(input).includes(id) ? undefined : path.basename(id, '.js')),
    hoistTransitiveImports: false
  })
  return { face: path.join(out, 'face.js'), commonJs: path.join(out, 'face.cjs') }
}

const log = 'globalThis.loaded ??= []\n'

test('a lazy import is loaded at the first use of what it imports, and once', { timeout }, async () => {
  globalThis.loaded = []
  const { face } = await bundle({
    'face.js': "export * from './door.js'",
    'door.js':
      "import { late, Late } from './late.js' // lazy\nexport const use = () => [late(1), new Late().two, { late }.late(3)]",
    'late.js': `${log}loaded.push('late')\nexport const late = n => n\nexport class Late { two = 2 }`
  })
  const { use } = await import(face)
  assert.deepEqual(globalThis.loaded, [])
  assert.deepEqual(
    [use(), use()],
    [
      [1, 2, 3],
      [1, 2, 3]
    ]
  )
  assert.deepEqual(globalThis.loaded, ['late'])
})

test('a lazy import of another package is required at its first use', { timeout }, async () => {
  globalThis.loaded = []
  const { face } = await bundle({
    'face.js': "export * from './door.js'",
    'door.js': "import * as far from 'package' // lazy\nexport const use = () => far.one",
    'node_modules/package/index.js': `${log}loaded.push('package')\nexports.one = 1`
  })
  const { use } = await import(face)
  assert.deepEqual(globalThis.loaded, [])
  assert.deepEqual([use(), use()], [1, 1])
  assert.deepEqual(globalThis.loaded, ['package'])
})

test('a name of an inner scope is not taken for the lazy import of that name', { timeout }, async () => {
  globalThis.loaded = []
  const { face } = await bundle({
    'face.js': "export * from './door.js'",
    'door.js':
      "import { late } from './late.js' // lazy\nexport const inner = late => late\nexport const nested = () => { const late = 5; return late }\nexport const outer = () => late",
    'late.js': `${log}loaded.push('late')\nexport const late = 1`
  })
  const { inner, nested, outer } = await import(face)
  assert.deepEqual([inner(7), nested(), globalThis.loaded.length, outer()], [7, 5, 0, 1])
})

test('a lazy import that is used while its own module is loaded is an error of the build', { timeout }, async () => {
  await assert.rejects(
    bundle({
      'face.js': "import { Base } from './late.js' // lazy\nexport class Heir extends Base {}",
      'late.js': 'export class Base {}'
    }),
    /face\.js uses Base of '\.\/late\.js' while it is loaded itself: that import cannot be lazy/
  )
})

test('an import for side effects cannot be lazy', { timeout }, async () => {
  await assert.rejects(
    bundle({ 'face.js': "import './late.js' // lazy\nexport const a = 1", 'late.js': 'globalThis.b = 1' }),
    /imports '\.\/late\.js' for its side effects, and that cannot be lazy/
  )
})

test('require() and import get the same objects', { timeout }, async () => {
  const { face, commonJs } = await bundle({
    'face.js': "export { thing } from './thing.js'\nimport { other } from './thing.js'\nexport const own = other",
    'thing.js': 'export const thing = {}\nexport const other = {}'
  })
  const imported = await import(face)
  const required = createRequire(import.meta.url)(commonJs)
  assert.deepEqual(Object.keys(required).sort(), ['own', 'thing'])
  assert.equal(imported.thing, required.thing)
  assert.equal(imported.own, required.own)
})

test('the URL of an entry is that of the bundle, and of anything else an error', { timeout }, async () => {
  const { face } = await bundle({
    'face.js': "export { main } from './state.js'",
    'state.js': "export const main = () => new URL('./child-main.js', import.meta.url).href",
    'child-main.js': 'console.log(1)'
  })
  const { main } = await import(face)
  assert.equal(main(), new URL('child-main.js', `file://${face}`).href)
  await assert.rejects(
    bundle({ 'face.js': "export const main = () => new URL('./other.js', import.meta.url)" }),
    /\.\/other\.js is not an entry of the bundle/
  )
})

test('files of the bundle that load each other are an error of the build', { timeout }, async () => {
  await assert.rejects(
    bundle({
      'face.js': "export { a } from './a.js'",
      'a.js': "import { b } from './b.js'\nexport const a = () => b\nexport const c = 1",
      'b.js': "import { c } from './a.js'\nexport const b = () => c"
    }),
    /files of the bundle load each other: .*a\.cjs/
  )
})
