import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { importModule, isImporting, resolveReference } from '../../../src/codec/references/imports.ts'
import { MultiprocessError } from '../../../src/errors.ts'
import { LIBRARY, Project, runNode } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const shapesUrl = new URL('../../fixtures/functions/shapes.js', import.meta.url).href

async function importError(url: string): Promise<MultiprocessError> {
  try {
    await importModule(url)
  } catch (error) {
    assert.ok(error instanceof MultiprocessError)
    assert.equal(error.code, 'ERR_IMPORT')
    return error
  }
  return assert.fail(`${url} was imported`)
}

describe('importing what references name', { timeout: limit(30_000) }, () => {
  test('importModule rejects with ERR_IMPORT for a module that throws', async () => {
    await using project = await Project.create({ 'a.mjs': "throw new RangeError('out of luck')" })
    const url = project.url('a.mjs')
    const error = await importError(url)
    assert.equal(error.message, `cannot import ${url} in the child process: out of luck`)
    assert.ok(error.cause instanceof RangeError)
  })

  test('importModule rejects with ERR_IMPORT for a module that throws something other than an error', async () => {
    const url = 'data:text/javascript,throw null'
    const error = await importError(url)
    assert.deepEqual([error.message, error.cause], [`cannot import ${url} in the child process: null`, null])
  })

  test('importModule rejects with ERR_IMPORT for a module that throws an object without a text', async () => {
    const url = 'data:text/javascript,throw Object.create(null)'
    const error = await importError(url)
    assert.equal(error.message, `cannot import ${url} in the child process: a value that cannot be shown`)
  })

  test('importModule rejects with ERR_IMPORT for a module that does not exist', async () => {
    const url = new URL('./none.mjs', import.meta.url).href
    const error = await importError(url)
    assert.match(error.message, /^cannot import file:\S+\/none\.mjs in the child process: Cannot find module /)
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ERR_MODULE_NOT_FOUND')
  })

  test('importModule imports a kind of file that only a loader knows', async () => {
    await using project = await Project.create({ 'a.unknown': 'text' })
    const error = await importError(project.url('a.unknown'))
    assert.match(
      error.message,
      /; a loader that the program registers by code does not reach its children: start Node with --import instead$/
    )
  })

  test('a reference that leads nowhere, or to no function, is refused', async () => {
    await using project = await Project.create({
      'a.mjs': 'export const text = "t", nothing = null, run = () => {}, group = { text: "t" }'
    })
    const module = project.url('a.mjs')
    const resolve = (name: string) => () => resolveReference({ module, export: name })
    assert.throws(resolve('run'), {
      code: 'ERR_IMPORT',
      message: `cannot find \`run\`: ${module} has not been imported`
    })
    await importModule(module)
    assert.equal((resolve('run')() as () => void).name, 'run')
    const none = (name: string) => `cannot find \`${name}\` in ${module}: it exports group, nothing, run, text`
    assert.throws(resolve('walk'), { code: 'ERR_IMPORT', message: none('walk') })
    assert.throws(resolve('default'), { message: none('default') })
    assert.throws(resolve('group.run'), { message: none('group.run') })
    assert.throws(resolve('nothing.run'), { message: none('nothing.run') })
    const wrong = (name: string, kind: string) =>
      `cannot use \`${name}\` of ${module}: expected a function or a class, and it is of type ${kind}`
    assert.throws(resolve('text'), { message: wrong('text', 'string') })
    assert.throws(resolve('group'), { message: wrong('group', 'object') })
    assert.throws(resolve('group.text'), { message: wrong('group.text', 'string') })
    assert.throws(resolve('nothing'), { message: wrong('nothing', 'null') })
    assert.throws(() => resolveReference({ module: 'intrinsic:', export: 'Math.none' }), {
      message: 'cannot find `Math.none` in intrinsic:'
    })
  })

  test('a module is imported once', async () => {
    await importModule(shapesUrl)
    const first = resolveReference({ module: shapesUrl, export: 'square' })
    await importModule(shapesUrl)
    assert.equal(resolveReference({ module: shapesUrl, export: 'square' }), first)
    assert.equal(first, (await import(shapesUrl)).square)
  })

  test('isImporting is true while modules run, even if two are imported and one fails', async () => {
    await using project = await Project.create({
      'a.mjs': `
        import { isImporting } from '${LIBRARY.imports}'
        export const early = isImporting()
        await new Promise(resolve => { globalThis.__release = resolve })
        export const late = isImporting()
        export const now = () => isImporting()
      `,
      'b.mjs': "globalThis.__failed = true\nthrow new Error('no')"
    })
    assert.equal(isImporting(), false)
    const slow = importModule(project.url('a.mjs'))
    assert.equal(isImporting(), true)
    await assert.rejects(importModule(project.url('b.mjs')))
    assert.equal(isImporting(), true)
    const globals = globalThis as { __release?: () => void }
    while (globals.__release === undefined) await new Promise(setImmediate)
    globals.__release()
    await slow
    const { early, late, now } = await import(project.url('a.mjs'))
    assert.deepEqual([early, late, now(), isImporting()], [true, true, false, false])
  })

  test('the receiving side loads neither the inspector nor the lexer', async () => {
    const program = `
      import { importModule, resolveReference } from '${LIBRARY.imports}'
      import { createRequire } from 'node:module'
      await importModule('${shapesUrl}')
      const result = resolveReference({ module: '${shapesUrl}', export: 'square' })(3)
      const files = Object.keys(createRequire('${shapesUrl}').cache)
      const lexers = files.filter(file => /acorn|es-module-lexer/.test(file))
      console.log(JSON.stringify({ result, lexers, inspector: process.moduleLoadList.includes('NativeModule inspector') }))
    `
    const { stdout } = await runNode(['--input-type=module', '-e', program])
    assert.deepEqual(JSON.parse(stdout), { result: 9, lexers: [], inspector: false })
  })
})
