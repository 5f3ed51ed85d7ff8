import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { explicitReference } from '../../../src/codec/references/reference.ts'
import { SerializationError } from '../../../src/errors.ts'
import { callElsewhere, LIBRARY, Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const shapesUrl = new URL('../../fixtures/functions/shapes.js', import.meta.url)

function assertRefused(ref: unknown, message: string): void {
  assert.throws(
    () => explicitReference(ref as { module: string }, 'target'),
    (error: unknown) => {
      assert.ok(error instanceof SerializationError)
      assert.equal(error.message, message)
      assert.equal(error.path, 'target')
      return true
    }
  )
}

describe('functions named as { module, export }', { timeout: limit(30_000) }, () => {
  test('a module can be named by a URL, the text of a URL, or an absolute path', async () => {
    const expected = { module: shapesUrl.href, export: 'square' }
    const given = [shapesUrl, shapesUrl.href, fileURLToPath(shapesUrl)]
    const references = given.map(module => explicitReference({ module, export: 'square' }, 'target'))
    assert.deepEqual(references, [expected, expected, expected])
    assert.deepEqual(await callElsewhere([{ reference: references[0], args: [5] }]), [25])
  })

  test('the export is `default` by default, and may be a member', async () => {
    await using project = await Project.create({
      'a.mjs': "export default () => 'default of a'\nexport class Tool { static use() { return 'used' } }",
      'b.cjs': "module.exports = () => 'exports of b'\nmodule.exports.part = { use: () => 'part of b' }",
      'c.cjs': "Object.defineProperty(exports, '__esModule', { value: true })\nexports.default = () => 'default of c'"
    })
    const refs = [
      { module: project.url('a.mjs') },
      { module: project.url('a.mjs'), export: 'Tool.use' },
      { module: project.url('b.cjs') },
      { module: project.url('b.cjs'), export: 'part.use' },
      { module: project.url('c.cjs') }
    ]
    const calls = refs.map(ref => ({ reference: explicitReference(ref, 'target') }))
    assert.deepEqual(calls[0].reference, { module: refs[0].module, export: 'default' })
    const expected = ['default of a', 'used', 'exports of b', 'part of b', 'default of c']
    assert.deepEqual(await callElsewhere(calls), expected)
  })

  test('builtin modules can be named with and without node:', async () => {
    const a = explicitReference({ module: 'path', export: 'basename' }, 'target')
    const b = explicitReference({ module: 'node:path', export: 'posix.basename' }, 'target')
    assert.deepEqual([a.module, b.module], ['node:path', 'node:path'])
    assert.deepEqual(
      await callElsewhere([
        { reference: a, args: ['/x/y'] },
        { reference: b, args: ['/x/z'] }
      ]),
      ['y', 'z']
    )
  })

  test('packages are found as the main program finds them', async () => {
    const manifest = (main: string) =>
      JSON.stringify({ name: 'tool', exports: { require: main, import: './none.mjs' } })
    await using project = await Project.create({
      'node_modules/tool/package.json': manifest('./index.cjs'),
      'node_modules/tool/index.cjs': "exports.use = () => 'the outer tool'",
      'lib/node_modules/tool/package.json': manifest('./index.cjs'),
      'lib/node_modules/tool/index.cjs': "exports.use = () => 'the inner tool'",
      'lib/name.mjs': `
        import { explicitReference } from '${LIBRARY.reference}'
        export const name = () => explicitReference({ module: 'tool', export: 'use' }, '')
      `,
      'main.mjs': "import { name } from './lib/name.mjs'\nconsole.log(JSON.stringify(name()))"
    })
    const reference = (await project.json(['main.mjs'])) as { module: string; export: string }
    assert.deepEqual(reference, { module: project.url('node_modules/tool/index.cjs'), export: 'use' })
    assert.deepEqual(await callElsewhere([{ reference }]), ['the outer tool'])
    const evaluated = `import('${LIBRARY.reference}').then(m => console.log(JSON.stringify(m.explicitReference({ module: 'tool' }, ''))))`
    assert.deepEqual(await project.json(['-e', evaluated]), { module: reference.module, export: 'default' })
  })

  test('a package of the test itself is found', () => {
    const expected = realpathSync(createRequire(import.meta.url).resolve('es-module-lexer'))
    const reference = explicitReference({ module: 'es-module-lexer', export: 'parse' }, 'target')
    assert.deepEqual(reference, { module: pathToFileURL(expected).href, export: 'parse' })
  })

  test('names that have no meaning are refused', () => {
    assertRefused(
      { module: './tasks.js', export: 'run' },
      "cannot send { module: './tasks.js', export: 'run' } (target): `module` is relative, and it cannot be known to what. " +
        "Use new URL('./tasks.js', import.meta.url), or import.meta.url for the module that this is written in"
    )
    assertRefused(
      { module: '#tasks' },
      "cannot send { module: '#tasks', export: undefined } (target): `module` is private to a package. " +
        'Use import.meta.resolve(...) in that package'
    )
    assertRefused(
      { module: 42, export: 'run' },
      "cannot send { module: 42, export: 'run' } (target): `module` must be a URL or a string, such as import.meta.url"
    )
    assertRefused(
      { module: shapesUrl, export: '' },
      `cannot send { module: '${shapesUrl.href}', export: '' } (target): \`export\` must be the name of an export, ` +
        'or left out for `default`'
    )
    assertRefused(
      { module: 'node:nothing' },
      "cannot send { module: 'node:nothing', export: undefined } (target): Node has no builtin module node:nothing"
    )
    assertRefused(
      { module: 'blob:nodedata:1' },
      "cannot send { module: 'blob:nodedata:1', export: undefined } (target): a blob: URL belongs to this process only"
    )
  })

  test('a package that does not exist is refused', () => {
    assert.throws(() => explicitReference({ module: 'no-such-package' }, 'target'), {
      message:
        /^cannot send \{ module: 'no-such-package', export: undefined \} \(target\): `module` is no URL, and no package that file:\S+ can require \(Cannot find module 'no-such-package'\)\. Use import\.meta\.resolve\('no-such-package'\)$/
    })
  })
})
