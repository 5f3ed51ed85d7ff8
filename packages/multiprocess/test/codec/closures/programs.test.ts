import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LIBRARY as FUNCTIONS, Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const CROSSING = new URL('../../fixtures/closures/crossing.js', import.meta.url).href
const INDEX = new URL('../../../src/index.js', import.meta.url).href
const hasTypes = Boolean((process as { features: { typescript?: unknown } }).features.typescript)

const common = {
  'library.cjs': "exports.f = x => 'common ' + x; exports.data = { level: 1 }",
  'library.mjs': "export const f = x => 'module ' + x; let n = 0; export const hidden = () => [() => ++n, k => f(k)]"
}

describe('closures of programs of every kind', { timeout: limit(120_000), concurrency: 2 }, () => {
  test('closures of CommonJS modules cross', async () => {
    await using project = await Project.create({
      ...common,
      'main.cjs': `
        const { basename } = require('path')
        const fs = require('fs')
        const library = require('./library.cjs')
        const k = 2
        let n = 1
        function helper(x) { return x * k }
        class A { v = k; get() { return helper(this.v) } }
        import('${CROSSING}').then(async ({ cross }) => {
          console.log(JSON.stringify([
            await cross(() => [basename('/x/y'), typeof fs.readFileSync, library.f(1), helper(4)]),
            await cross(() => [typeof require('os').cpus, __filename, typeof module.exports, require('./library.cjs').f(2)]),
            await cross(() => { n += 5; return [n, library.data.level] }),
            await cross(function () { return typeof this }),
            await cross(async () => (await import('./library.mjs')).f(3)),
            await cross(a => [a.get(), a instanceof A], new A())
          ]))
        })
      `
    })
    assert.deepEqual(await project.json(['main.cjs']), [
      ['y', 'function', 'common 1', 8],
      ['function', project.file('main.cjs'), 'object', 'common 2'],
      [6, 1],
      'object',
      'module 3',
      [4, true]
    ])
  })

  test('closures of modules that compilers translated to CommonJS cross', async () => {
    await using project = await Project.create({
      ...common,
      'main.cjs': `"use strict";
        var __importDefault = (this && this.__importDefault) || function (mod) { return (mod && mod.__esModule) ? mod : { "default": mod } }
        var __awaiter = function (thisArg, _arguments, P, generator) {
          return new (P || (P = Promise))(function (resolve, reject) {
            function step(result) { result.done ? resolve(result.value) : Promise.resolve(result.value).then(v => step(generator.next(v))) }
            step((generator = generator.apply(thisArg, _arguments || [])).next())
          })
        }
        Object.defineProperty(exports, "__esModule", { value: true })
        const path_1 = __importDefault(require("path"))
        const library_1 = require("./library.cjs")
        const task = (x) => __awaiter(void 0, void 0, void 0, function* () { return [yield x, path_1.default.basename('/a/b'), (0, library_1.f)(x)] })
        import('${CROSSING}').then(async ({ cross }) => console.log(JSON.stringify([await cross(task, 1), await cross(function () { return typeof this })])))
      `
    })
    assert.deepEqual(await project.json(['main.cjs']), [[1, 'b', 'common 1'], 'undefined'])
  })

  test('closures of ES modules cross', async () => {
    await using project = await Project.create({
      ...common,
      'main.mjs': `
        import library from './library.cjs'
        import * as module from './library.mjs'
        import data from './data.json' with { type: 'json' }
        import { cross } from '${CROSSING}'
        const [next, call] = module.hidden()
        export const exported = () => data.level
        console.log(JSON.stringify([
          await cross(() => [library.f(1), module.f(2), data.level, exported()]),
          await cross(next), await cross(call, 3),
          await cross(async () => (await import('./library.mjs')).f(4)),
          await cross(() => [import.meta.filename, import.meta.dirname, import.meta.url])
        ]))
      `,
      'data.json': '{ "level": 7 }'
    })
    assert.deepEqual(await project.json(['main.mjs']), [
      ['common 1', 'module 2', 7, 7],
      1,
      'module 3',
      'module 4',
      [project.file('main.mjs'), project.directory, project.url('main.mjs')]
    ])
  })

  test('closures of node -e and standard input cross', async () => {
    await using project = await Project.create(common)
    const esm = `
      import os from 'node:os'
      import { f } from './library.mjs'
      import { cross } from '${CROSSING}'
      const k = 3
      console.log(JSON.stringify(await cross(x => [x * k, typeof os.cpus, f(1)], 2)))`
    assert.deepEqual(await project.json(['--input-type=module', '-e', esm]), [6, 'function', 'module 1'])
    assert.deepEqual(await project.json(['--input-type=module', '-'], { input: esm }), [6, 'function', 'module 1'])
    const script = `const k = 3; var g = 4; function h() { return g + k + require('os').EOL.length }
      import('${CROSSING}').then(async ({ cross }) => console.log(JSON.stringify(await cross(() => h() + ++g))))`
    assert.equal(await project.json(['-e', script]), 13)
  })

  test('closures of worker threads cross', async () => {
    await using project = await Project.create({
      ...common,
      'main.mjs': "import { Worker } from 'node:worker_threads'\nnew Worker(new URL('./worker.mjs', import.meta.url))",
      'worker.mjs': `
        import { cross } from '${CROSSING}'
        import { f } from './library.mjs'
        const k = 3
        console.log(JSON.stringify(await cross(x => [x * k, f(x)], 2)))`
    })
    assert.deepEqual(await project.json(['main.mjs']), [6, 'module 2'])
  })

  test('closures of TypeScript whose types Node strips cross', { skip: !hasTypes }, async () => {
    await using project = await Project.create({
      'main.ts': `
        import { cross } from '${CROSSING}'
        import { type Shape, make } from './library.ts'
        import type { Other } from './library.ts'
        const k: number = 4
        class T<X> implements Shape { a: number; private b = 1; constructor(a: number) { this.a = a } sum(): number { return this.a + this.b + k } }
        const other: Other = 'o'
        console.log(JSON.stringify([
          await cross((x: number): number => x * k, 2),
          await cross((t: T<string>) => [t.sum(), t instanceof T, other satisfies string], new T(3)),
          await cross(() => make(2))
        ]))`,
      'library.ts':
        'export interface Shape { a: number }\nexport type Other = string\nexport const make = (x: number): number => x * 7'
    })
    assert.deepEqual(await project.json(['main.ts']), [8, [8, true, 'o'], 14])
  })

  test('closures cross where code from strings is forbidden', async () => {
    await using project = await Project.create({
      'main.mjs': `
        import { crossWith } from '${CROSSING}'
        const k = 3
        class A { m() { return k } }
        console.log(JSON.stringify(await crossWith(['--disallow-code-generation-from-strings'], a => [a.m(), k], new A())))`
    })
    assert.deepEqual(await project.json(['--disallow-code-generation-from-strings', 'main.mjs']), [3, 3])
  })

  test('closures are refused where the inspector is not allowed, and other functions cross', async () => {
    const permission = Number(process.versions.node.split('.')[0]) < 22 ? '--experimental-permission' : '--permission'
    const flags = [
      permission,
      '--allow-fs-read=*',
      '--allow-fs-write=*',
      '--allow-child-process',
      '--allow-addons',
      '--allow-worker'
    ]
    await using project = await Project.create({
      'main.mjs': `
        import '${new URL('../../../src/process/sending.js', import.meta.url).href}'
        import { encode } from '${new URL('../../../src/codec/encode.js', import.meta.url).href}'
        const k = 3
        const attempt = fn => { try { return encode(fn).length > 0 } catch (error) { return error.message } }
        console.log(JSON.stringify([attempt(x => Math.abs(x) + 1), attempt(x => x * k)]))`
    })
    const outcome = await project.node([...flags, 'main.mjs'])
    const [free, closure] = JSON.parse(outcome.stdout) as [boolean, string]
    assert.equal(free, true)
    assert.match(
      closure,
      /^cannot send an anonymous function \(value\): it captures `k`, and the V8 inspector is not available in this process \(.+\)\. Pass the values as arguments, or name the function as \{ module, export \}$/
    )
  })

  test('the main program never runs again, and no endless chain of processes starts', async () => {
    await using project = await Project.create({
      'main.mjs': `
        import { Process } from '${INDEX}'
        console.log('main runs')
        const k = 1
        const child = new Process({ target: async () => {
          const inner = new Process({ target: () => console.log('inner', k) })
          inner.start()
          await inner.join()
          console.log('outer', k)
        } })
        child.start()
        await child.join()
        console.log('exit', child.exitcode)`
    })
    const { stdout, stderr } = await project.node(['main.mjs'])
    assert.deepEqual([stdout, stderr], ['main runs\ninner 1\nouter 1\nexit 0\n', ''])
  })

  test('errors of received code name its place in the file', async () => {
    await using project = await Project.create({
      'main.mjs': `import { cross } from '${CROSSING}'
const k = 1

const fail = () => { if (k) throw new Error('here') }
function outer() {
  const inner = x => {
    fail(x)
  }
  return inner(k)
}
const error = await cross(outer).catch(e => e)
console.log(JSON.stringify(error.stack.split('\\n').slice(1, 4).map(line => line.trim().replace(/file:.*\\//, ''))))`
    })
    const places = await project.json(['main.mjs'])
    assert.deepEqual(places, ['at fail (main.mjs:4:35)', 'at inner (main.mjs:7:5)', 'at outer (main.mjs:9:10)'])
  })

  test('a sender loads the parser only for functions by value, and a receiver never does', async () => {
    await using project = await Project.create({
      'main.mjs': `
        import { createRequire } from 'node:module'
        import '${new URL('../../../src/process/sending.js', import.meta.url).href}'
        import { encode } from '${new URL('../../../src/codec/encode.js', import.meta.url).href}'
        import { decode, modulesOf } from '${new URL('../../../src/codec/decode.js', import.meta.url).href}'
        import { importModule } from '${FUNCTIONS.imports}'
        const { cache } = createRequire(import.meta.url)
        const parsers = () => Object.keys(cache).filter(file => /acorn|es-module-lexer/.test(file))
        const loaded = () => parsers().length > 0
        encode({ plain: [1, new Map()] })
        encode(Math.sqrt)
        const seen = [loaded()]
        const k = 1
        const bytes = encode(() => k)
        seen.push(loaded())
        for (const file of parsers()) delete cache[file]
        for (const module of modulesOf(bytes)) await importModule(module)
        seen.push(decode(bytes)(), loaded())
        console.log(JSON.stringify(seen))`
    })
    assert.deepEqual(await project.json(['main.mjs']), [false, true, 1, false])
  })
})
