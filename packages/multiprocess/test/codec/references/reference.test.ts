import assert from 'node:assert/strict'
import events from 'node:events'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, test } from 'node:test'
import { type FunctionReferenceData, referenceOf } from '../../../src/codec/references/reference.ts'
import { type Call, callElsewhere, LIBRARY, Project } from '../../fixtures/functions/project.ts'
import * as shapes from '../../fixtures/functions/shapes.ts'
import { limit } from '../../fixtures/slowness.ts'

const require = createRequire(import.meta.url)
const names: Record<string, unknown> = shapes
const shapesUrl = new URL('../../fixtures/functions/shapes.js', import.meta.url).href
const otherUrl = new URL('../../fixtures/functions/other.js', import.meta.url).href

type Row = [fn: unknown, module: string, name: string, args: unknown[], expected: unknown]

/** Each function has the reference, and in another process that gives the function with the same result. */
async function assertCrosses(rows: readonly Row[], flags: readonly string[] = []): Promise<void> {
  const calls: Call[] = rows.map(([fn, module, name, args]) => {
    const reference = referenceOf(fn as () => void, 'args[0]')
    assert.deepEqual(reference, { module, export: name })
    return { reference, args, isClass: /^class\b/.test(String(fn)) }
  })
  assert.deepEqual(
    await callElsewhere(calls, flags),
    rows.map(row => row[4])
  )
}

describe('exports of ES modules', { timeout: limit(30_000) }, () => {
  test('named exports of every form are found', () =>
    assertCrosses([
      [shapes.square, shapesUrl, 'square', [7], 49],
      [shapes.cube, shapesUrl, 'cube', [3], 27],
      [shapes.later, shapesUrl, 'later', [1], 'later 1'],
      [shapes.count, shapesUrl, 'count', [2], {}],
      [shapes.increment, shapesUrl, 'increment', [1], 2],
      [names['a quoted name'], shapesUrl, 'a quoted name', [], 'quoted'],
      [names['dotted.name'], shapesUrl, 'dotted.name', [], 'dotted'],
      [shapes.taken, shapesUrl, 'taken', [], 'taken'],
      [shapes.renamed, shapesUrl, 'renamed', [], 'renamed'],
      [shapes.addFive, shapesUrl, 'addFive', [1], 6],
      [shapes.Point, shapesUrl, 'Point', [4], { x: 4 }]
    ]))

  test('members of exported classes and objects are found', async () => {
    await assertCrosses([
      [shapes.Point.from, shapesUrl, 'Point.from', [2], { x: 20 }],
      [shapes.Point.Corner.name, shapesUrl, 'Point.Corner.name', [], 'corner'],
      [shapes.api.run, shapesUrl, 'api.run', [2], 'run 2'],
      [shapes.api.method, shapesUrl, 'api.method', [2], 'method 2'],
      [shapes.api.deeper.go, shapesUrl, 'api.deeper.go', [2], 'go 2']
    ])
    assert.equal(referenceOf(shapes.Point.prototype.norm, '').export, 'Point.prototype.norm')
  })

  test('a re-exported function is named by the module that declares it', () =>
    assertCrosses([
      [shapes.imported, otherUrl, 'imported', [], 'imported'],
      [shapes.reexported, otherUrl, 'reexported', [], 're-exported'],
      [shapes.all.reexported, otherUrl, 'reexported', [], 're-exported']
    ]))

  test('an export that is assigned again is named while it is the export', async () => {
    assert.equal(referenceOf(shapes.replaced, '').export, 'replaced')
    shapes.replace()
    assert.equal(referenceOf(shapes.replaced, '').export, 'replaced')
  })

  test('the query of a module is part of its name', async () => {
    await using project = await Project.create({ 'a.mjs': 'export const self = () => import.meta.url' })
    const url = `${project.url('a.mjs')}?version=2#part`
    await assertCrosses([[(await import(url)).self, url, 'self', [], url]])
  })

  test('names of files with characters that a URL escapes are found', async () => {
    const names = [
      'a b.mjs',
      'größe 100%.mjs',
      'c#d?e.mjs',
      'f%20g.mjs',
      'a b.cjs',
      'größe 100%.cjs',
      'c#d?e.cjs',
      'f%20g.cjs'
    ]
    const files = names.map(name => [
      name,
      `${name.endsWith('.cjs') ? 'exports.f =' : 'export const f ='} () => ${JSON.stringify(name)}`
    ])
    await using project = await Project.create(Object.fromEntries(files))
    const rows = names.map(async (name): Promise<Row> => {
      const url = project.url(name)
      const module = await import(url)
      return [module.f ?? module.default.f, url, 'f', [], name]
    })
    await assertCrosses(await Promise.all(rows))
  })

  test('a module that is not initialised yet is searched without an error', async () => {
    await using project = await Project.create({
      'a.mjs':
        "import './b.mjs'\nexport function early() { return [later, api] }\nexport const later = () => {}, api = { early }",
      'b.mjs': `
        import { early } from './a.mjs'
        import { referenceOf } from '${LIBRARY.reference}'
        console.log(JSON.stringify(referenceOf(early, '')))
      `
    })
    const program = "import('./a.mjs')"
    assert.deepEqual(await project.json(['-e', program]), { module: project.url('a.mjs'), export: 'early' })
  })

  test('functions of modules from data: URLs are found', async () => {
    const url = `data:text/javascript,${encodeURIComponent("export const f = () => 'data'")}`
    await assertCrosses([[(await import(url)).f, url, 'f', [], 'data']])
  })

  test('a sourceURL comment does not mislead the search', async () => {
    await using project = await Project.create({
      'a.mjs': "export const f = () => 'right'\n//# sourceURL=file:///elsewhere/b.mjs\n",
      'a.cjs': "exports.f = () => 'right'\n//# sourceURL=webpack://app/b.cjs\n"
    })
    const rows = ['a.mjs', 'a.cjs'].map(async (name): Promise<Row> => {
      return [(await import(project.url(name))).f, project.url(name), 'f', [], 'right']
    })
    await assertCrosses(await Promise.all(rows))
  })
})

describe('default exports', { timeout: limit(60_000) }, () => {
  const forms: Record<string, string> = {
    'a named function': 'export default function named(x) { return x + 1 }',
    'an anonymous function': 'export default function (x) { return x + 1 }',
    'an async function, commented': '// before\nexport /* a */ default // b\n  async function (x) { return x + 1 }',
    'an arrow function': "const text = 'export default nothing'\nexport default x => x + 1",
    'an arrow function with a list': 'export default (x) => x + 1;\n\n[1].map(x => x + 2)',
    'an async arrow function': 'export default async (x) => { return x + 1 };',
    'an arrow function in parentheses': 'export default ((x) => x + 1)',
    'a function in parentheses, commented': 'export default ( /* c */ function (x) { return x + 1 } ) // d\n;',
    'one of two functions with the same text':
      'const other = x => x + 1\nexport default x => x + 1\nexport const value = other(1)',
    'a declared function': 'function add(x) { return x + 1 }\nexport default add',
    'a function declared behind a comment': '/** Adds = */\nfunction add(x) { return x + 1 }\nexport default add;',
    'a function declared later':
      "export default add\nconst url = 'http://localhost'\nasync function add(x) { return x + 1 }",
    'a variable': 'const add = x => x + 1\n\nexport default add\n',
    'one variable of several': 'const add = x => x + 1, sub = x => x - 1\nexport default add',
    'a variable that another function uses':
      'let add = x => x + 1\nexport default add\nexport const twice = x => add(add(x))',
    'a variable behind an indented one':
      'function f() {\n  const add = x => x - 1\n  return add\n}\nconst add = x => x + 1\nexport default add\nf()',
    'a name in a list': 'const add = x => x + 1\nexport { add as default }',
    'what a function made': 'const make = n => x => x + n\nconst add = make(1)\nexport { add as default }'
  }
  const classes: Record<string, string> = {
    'an anonymous class': 'export default class { constructor(x) { this.x = x + 1 } }',
    'an anonymous class that extends':
      'class Base { x = 1 }\nexport default class extends Base { constructor(x) { super(); this.x = x + 1 } }',
    'a named class': 'export default class Named { constructor(x) { this.x = x + 1 } }',
    'a declared class': 'class Declared { constructor(x) { this.x = x + 1 } }\nexport default Declared'
  }

  test('default exports of every form are found', async () => {
    const sources = [...Object.values(forms), ...Object.values(classes)]
    await using project = await Project.create(Object.fromEntries(sources.map((text, i) => [`${i}.mjs`, text])))
    const rows = sources.map(async (text, i): Promise<Row> => {
      const url = project.url(`${i}.mjs`)
      const expected = Object.values(classes).includes(text) ? { x: 2 } : 2
      return [(await import(url)).default, url, 'default', [1], expected]
    })
    await assertCrosses(await Promise.all(rows))
  })

  test('a function that only resembles the default export is refused', async () => {
    const sources = [
      'export default x => y => x + y\nglobalThis.__kept = y => x + y',
      'export default x => y => x + y\nglobalThis.__kept = (x => y => x + y)(1)',
      'const keep = []\nexport default (function f(x) { keep.push(f); return x })(1)\nglobalThis.__kept = keep[0]',
      'export default (x => x, y => y + 1)\nglobalThis.__kept = x => x',
      'function add(x) { return x + 1 }\nglobalThis.__kept = add\nadd = (f => x => f(x) * 2)(add)\nexport default add',
      'let add = x => x + 1\nglobalThis.__kept = add\nadd = Math.abs\nexport default add',
      'let add = x => x - 1\nexport default add\nadd = x => x + 1\nglobalThis.__kept = add\nexport const use = () => add(1)',
      'globalThis.__kept = function add(x) { return x + 1 }\nimport add from "node:assert"\nexport default add',
      'function f() { return function add(x) { return x + 1 } }\nvar add = 1\nexport default add\nglobalThis.__kept = f()',
      'function f() {\n  const add = x => x + 1\n  return add\n}\nvar add = 1\nexport default add\nglobalThis.__kept = f()',
      'const add = function add(x) { globalThis.__kept = add; return x + 1 }(1)\nexport default add',
      'function f() {\n  const add = x => x + 1\n  return add\n}\nvar add = 1\nexport { add as other }\nexport default add\nglobalThis.__kept = f()'
    ]
    await using project = await Project.create(Object.fromEntries(sources.map((text, i) => [`${i}.mjs`, text])))
    const globals = globalThis as { __kept?: () => void }
    for (const i of sources.keys()) {
      await import(project.url(`${i}.mjs`))
      assert.throws(() => referenceOf(globals.__kept!, ''), { code: 'ERR_SERIALIZATION' }, sources[i])
    }
    Reflect.deleteProperty(globals, '__kept')
  })
})

describe('exports of CommonJS modules', { timeout: limit(30_000) }, () => {
  const commonUrl = new URL('../../fixtures/functions/common.cjs', import.meta.url).href
  const callableUrl = new URL('../../fixtures/functions/callable.cjs', import.meta.url).href

  test('members of module.exports are found', () => {
    const common = require('../../fixtures/functions/common.cjs')
    return assertCrosses([
      [common.named, commonUrl, 'named', [1], 'named 1'],
      [common.Pair, commonUrl, 'Pair', [1, 2], { sum: 3 }],
      [common.Pair.of, commonUrl, 'Pair.of', [1, 2], { sum: 3 }],
      [common.unseen, commonUrl, 'unseen', [], 'unseen'],
      [common.default, commonUrl, 'default', [], 'member default'],
      [common.group.inner, commonUrl, 'group.inner', [], 'inner']
    ])
  })

  test('module.exports that is a function is found', () => {
    const callable = require('../../fixtures/functions/callable.cjs')
    return assertCrosses([
      [callable, callableUrl, 'default', [1], 'callable 1'],
      [callable.helper, callableUrl, 'helper', [], 'helper'],
      [callable.default, callableUrl, 'default.default', [], 'member default']
    ])
  })

  test('getters that compilers write are read, and a getter that would change anything is not run', async () => {
    await using project = await Project.create({
      'a.cjs': `
        const square = x => x * x
        const cube = x => x ** 3
        class Scale { static by(n) { return 'by ' + n } }
        const all = {}
        for (const [name, get] of [['cube', () => cube], ['Scale', () => Scale]]) Object.defineProperty(all, name, { get, enumerable: true })
        Object.defineProperty(exports, 'square', { enumerable: true, get: () => square })
        for (const key of Object.getOwnPropertyNames(all)) Object.defineProperty(exports, key, { get: () => all[key], enumerable: true })
        const lazy = x => 'lazy ' + x
        let runs = 0
        Object.defineProperty(exports, 'counted', { get() { runs++; return lazy } })
        Object.defineProperty(exports, 'global', { get() { globalThis.__lazyRuns = 1; return lazy } })
        Object.defineProperty(exports, 'loaded', { get() { return require('./b.cjs').lazy } })
        exports.getLazy = () => lazy
        exports.getRuns = () => [runs, globalThis.__lazyRuns, Object.keys(require.cache).filter(file => file.endsWith('/b.cjs')).length]
      `,
      'b.cjs': 'exports.lazy = require("./a.cjs").getLazy()'
    })
    const common = require(project.file('a.cjs'))
    await assertCrosses([
      [common.square, project.url('a.cjs'), 'square', [3], 9],
      [common.cube, project.url('a.cjs'), 'cube', [3], 27],
      [common.Scale.by, project.url('a.cjs'), 'Scale.by', [3], 'by 3']
    ])
    assert.throws(() => referenceOf(common.getLazy(), ''), /is not exported by/)
    assert.deepEqual(common.getRuns(), [0, undefined, 0])
  })
})

describe('functions of the language and of Node', { timeout: limit(30_000) }, () => {
  test('functions are found through a global name', () =>
    assertCrosses([
      [Math.max, 'intrinsic:', 'Math.max', [1, 3, 2], 3],
      [parseInt, 'intrinsic:', 'parseInt', ['12px'], 12],
      [String, 'intrinsic:', 'String', [5], '5'],
      [structuredClone, 'intrinsic:', 'structuredClone', [[1]], [1]],
      [Reflect.ownKeys, 'intrinsic:', 'Reflect.ownKeys', [{ a: 1 }], ['a']],
      [encodeURIComponent, 'intrinsic:', 'encodeURIComponent', ['ä'], '%C3%A4']
    ]))

  test('members of prototypes, own and inherited, are found', () => {
    assert.deepEqual(referenceOf([].map, ''), { module: 'intrinsic:', export: 'Array.prototype.map' })
    assert.deepEqual(referenceOf(new Uint8Array().map, ''), { module: 'intrinsic:', export: 'Int8Array.prototype.map' })
    assert.deepEqual(referenceOf(URL, ''), { module: 'intrinsic:', export: 'URL' })
    assert.deepEqual(referenceOf(setTimeout, ''), { module: 'intrinsic:', export: 'setTimeout' })
  })

  test('functions of builtin modules are found', () =>
    assertCrosses([
      [path.basename, 'node:path', 'basename', ['/a/b'], 'b'],
      [path.win32.basename, 'node:path', 'win32.basename', ['a\\b'], 'b'],
      [fs.existsSync, 'node:fs', 'existsSync', ['/'], true],
      [fs.promises.realpath, 'node:fs/promises', 'realpath', ['/'], '/'],
      [Buffer.byteLength, 'node:buffer', 'Buffer.byteLength', ['ä'], 2],
      [process.umask, 'node:process', 'umask', [], process.umask()]
    ]))

  test('a builtin module that is itself a class is found', () => {
    assert.deepEqual(referenceOf(events, ''), { module: 'node:events', export: 'default' })
  })

  test('a function that replaces a global is not taken for the global', () => {
    const { max, min } = Math
    try {
      Math.max = shapes.square
      Math.min = min.bind(null)
      assert.deepEqual(referenceOf(Math.max, ''), { module: shapesUrl, export: 'square' })
      Object.defineProperty(Math.min, 'name', { value: 'bound min' })
      assert.throws(() => referenceOf(Math.min, ''), /it is a bound function/)
    } finally {
      Object.assign(Math, { max, min })
    }
  })
})

describe('what the same function costs again', { timeout: limit(30_000) }, () => {
  test('the reference of the same function is the same object', () => {
    const first: FunctionReferenceData = referenceOf(shapes.square, 'args[0]')
    for (let i = 0; i < 1000; i++) assert.equal(referenceOf(shapes.square, 'args[1]'), first)
  })

  test('other functions of a module are found with the first', async () => {
    await using project = await Project.create({
      'many.mjs': Array.from({ length: 1000 }, (_, i) => `export const f${i} = x => x + ${i}`).join('\n'),
      'main.mjs': `
        import { referenceOf } from '${LIBRARY.reference}'
        const many = await import('./many.mjs')
        import { Session } from 'node:inspector'
        const { post } = Session.prototype
        let posts = 0
        Session.prototype.post = function (...args) { posts++; return post.apply(this, args) }
        const count = work => { const before = posts; work(); return posts - before }
        const first = count(() => referenceOf(many.f0, ''))
        let references
        const others = count(() => { references = Object.entries(many).map(([name, fn]) => [name, referenceOf(fn, '')]) })
        const wrong = references.filter(([name, { export: found }]) => name !== found).length
        console.log(JSON.stringify({ count: references.length, wrong, isAsked: first > 0, others }))
      `
    })
    assert.deepEqual(await project.json(['main.mjs']), { count: 1000, wrong: 0, isAsked: true, others: 0 })
  })
})
