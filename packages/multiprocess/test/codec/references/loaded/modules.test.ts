import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { importsOf } from '../../../../src/codec/references/loaded/modules.ts'
import { Project } from '../../../fixtures/functions/project.ts'
import { limit } from '../../../fixtures/slowness.ts'

const LOADED = new URL('../../../../src/codec/references/loaded/modules.js', import.meta.url).href
const SHOW = `import { loadedReference as look } from ${JSON.stringify(LOADED)}\nconst show = found => console.log(JSON.stringify(found ?? null))\n`

const TASKS =
  'export function square(x) { return x * x }\nexport default x => x + 1\nconst hidden = x => -x\nexport const table = { hidden }\n'

describe('functions of modules that are certainly loaded', { timeout: limit(60_000) }, () => {
  test('an export of a module that the program imports is found under the module that declares it', async () => {
    await using project = await Project.create({
      'main.mjs': `import { all } from './all.mjs'\n${SHOW}show(['square', 'default'].map(name => look(all[name])))`,
      'all.mjs': "import * as all from './deep/tasks.mjs'\nexport { square } from './deep/tasks.mjs'\nexport { all }\n",
      'deep/tasks.mjs': TASKS
    })
    const module = project.url('deep/tasks.mjs')
    assert.deepEqual(await project.json(['main.mjs']), [
      { module, export: 'square' },
      { module, export: 'default' }
    ])
  })

  test('the inspector is not opened for such an export, and the search works in a worker', async () => {
    const index = new URL('../../../../src/index.js', import.meta.url).href
    await using project = await Project.create({
      'main.mjs': `import inspector from 'node:inspector'
import { Pool } from ${JSON.stringify(index)}
import { square } from './tasks.mjs'
inspector.Session.prototype.connect = () => { console.error('opened'); process.exit(1) }
const pool = new Pool(1)
console.log(JSON.stringify([await pool.apply(square, [3]), await pool.map(square, [1, 2])]))
pool.close()
await pool.join()`,
      'tasks.mjs': TASKS
    })
    assert.deepEqual(await project.json(['main.mjs']), [9, [1, 4]])
  })

  test('the inspector looks for functions that are not exported, are declared by the main program, or wait for their module', async () => {
    await using project = await Project.create({
      'main.mjs': `import { table } from './tasks.mjs'
import './early.mjs'
${SHOW}export function own() { return 'own' }
show([look(table.hidden), look(own), look(own.bind(null)), look(Math.sqrt)].map(found => found ?? null))`,
      'early.mjs': `${SHOW}export function early() { return 'early' }\nif (look(early) !== undefined) throw new Error('found too early')`,
      'tasks.mjs': TASKS
    })
    assert.deepEqual(await project.json(['main.mjs']), [null, null, null, null])
  })

  test('the search loads nothing that the program has not loaded', async () => {
    const trap = "console.log('loaded'); export function trapped() { return 'trapped' }\n"
    await using project = await Project.create({
      'main.mjs': `/* import { trapped } from './trap.mjs' */
// import './trap.mjs'
${SHOW}const text = "import { trapped } from './trap.mjs'"
function trapped() { return 'trapped' }
show(look(trapped))
if (process.argv[2] === 'never') await import('./trap.mjs')`,
      'trap.mjs': trap
    })
    assert.equal(await project.json(['main.mjs']), null)
  })

  test('the search does nothing if options redirect imports', async () => {
    await using project = await Project.create({
      'main.mjs': `import { square } from './tasks.mjs'\n${SHOW}show(look(square))`,
      'preload.mjs': '',
      'tasks.mjs': TASKS
    })
    assert.equal(await project.json(['--import', './preload.mjs', 'main.mjs']), null)
    assert.deepEqual(await project.json(['main.mjs']), { module: project.url('tasks.mjs'), export: 'square' })
  })

  test('only the import statements at the top of a text are read', async () => {
    const files = Object.fromEntries('abcdefghijk'.split('').map(name => [`${name}.js`, '']))
    await using project = await Project.create(files)
    const url = pathToFileURL(project.file('main.js')).href
    const text = `#!/usr/bin/env node
/* first */ import './a.js'
import b from './b.js'; import { c as d, e } from "./c.js" // import './z.js'
import * as f from './d.js'
import g, { h } from './e.js'
import i, * as j from './f.js'
import {
  k, // one
  l
} from './g.js'
import fs from 'node:fs'
import pkg from 'some-package'
import data from './h.json' with { type: 'json' }
import m from './i.js'
const n = 1
import o from './j.js'
`
    const names = importsOf(text, url).map(found => found.slice(found.lastIndexOf('/') + 1))
    assert.deepEqual(names, ['a.js', 'b.js', 'c.js', 'd.js', 'e.js', 'f.js', 'g.js'])
    assert.deepEqual(importsOf("import type { A } from './a.js'", url), [])
    assert.deepEqual(importsOf("import defer * as a from './a.js'", url), [])
    assert.deepEqual(importsOf("import('./a.js')", url), [])
    assert.deepEqual(importsOf("import.meta.url; import './a.js'", url), [])
    assert.deepEqual(importsOf("import a from './a.js?v=1'", url), [])
    assert.deepEqual(importsOf("import a from './missing.js'", url), [])
  })
})
