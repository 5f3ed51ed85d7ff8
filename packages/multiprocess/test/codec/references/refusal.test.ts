import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import util from 'node:util'
import vm from 'node:vm'
import { findReference, referenceOf } from '../../../src/codec/references/reference.ts'
import { SerializationError } from '../../../src/errors.ts'
import { LIBRARY, Project } from '../../fixtures/functions/project.ts'
import * as shapes from '../../fixtures/functions/shapes.ts'
import { limit } from '../../fixtures/slowness.ts'

const require = createRequire(import.meta.url)
const common = require('../../fixtures/functions/common.cjs')
const shapesUrl = new URL('../../fixtures/functions/shapes.js', import.meta.url).href
const commonUrl = new URL('../../fixtures/functions/common.cjs', import.meta.url).href

const MAIN =
  'it stands in the main program, which a child never runs again. ' +
  'Move it to a module of its own and export it there, or name it as { module, export }'
const BOUND =
  'it is a bound function, which does not tell what module exports it. ' +
  'Send the function that bind() was called on, and the bound values beside it as arguments'
const PROXY = 'it is a Proxy, and what its handler does cannot be sent. Send the function behind it'
const NATIVE =
  'it is native code that no global, no builtin module of Node and no CommonJS module exports. ' +
  'Export a function that calls it from a module, and send that'
const INTERNAL =
  'it is internal to Node, and no builtin module exports it. Export a function that calls it from a module, and send that'
const RUN_TIME = 'it was compiled at run time (eval, new Function or node:vm). Move it to a module and export it there'

function unexported(url: string): string {
  return `it is not exported by ${url}. Export it, or name an exported function as { module, export }`
}

function closure(variables: string): string {
  return (
    `it uses ${variables} of the function around it, and only functions that a module exports can be sent. ` +
    'Export a function that takes such values as arguments, and send those beside it'
  )
}

function assertRefused(fn: unknown, who: string, reason: string): void {
  assert.throws(
    () => referenceOf(fn as () => void, 'args[0].handler'),
    (error: unknown) => {
      assert.ok(error instanceof SerializationError)
      assert.equal(error.message, `cannot send ${who} (args[0].handler): ${reason}`)
      assert.equal(error.path, 'args[0].handler')
      assert.equal(error.code, 'ERR_SERIALIZATION')
      return true
    }
  )
}

describe('refusals', { timeout: limit(30_000) }, () => {
  test('functions of the main program are refused', () => {
    function inMain(): void {}
    assertRefused(inMain, '`inMain`', MAIN)
    assertRefused(() => {}, 'an anonymous function', MAIN)
    assertRefused(class Local {}, '`Local`', MAIN)
    assertRefused((() => class {})(), 'an anonymous class', MAIN)
  })

  test('functions that their module does not export are refused', () => {
    const { hidden, plain } = shapes.makers(1)
    assertRefused(hidden, '`hidden`', unexported(shapesUrl))
    assertRefused(plain, '`plain`', unexported(shapesUrl))
    assertRefused(common.getHidden(), '`hidden`', unexported(commonUrl))
  })

  test('closures are refused', async () => {
    const { sum, Scaled } = shapes.makers(1)
    assertRefused(sum, '`sum`', closure('`k`'))
    assertRefused(Scaled, '`Scaled`', closure('`k`'))
    assertRefused(common.makeSum(1), 'an anonymous function', closure('`k`'))
    await using project = await Project.create({
      'a.mjs': `export function make(first, $second, unused) {
        for (let i = 0; i < 1; i++) return [() => first + $second + i, () => unused]
      }`
    })
    const { make } = await import(project.url('a.mjs'))
    assertRefused(make(1, 2, 3)[0], 'an anonymous function', closure('`first`, `$second` and `i`'))
  })

  test('bound functions and proxies are refused', () => {
    assertRefused(shapes.square.bind(null, 2), '`bound square`', BOUND)
    assertRefused(new Proxy(shapes.square, {}), '`square`', PROXY)
  })

  test('a refusal runs no trap of a proxy', () => {
    const asked: PropertyKey[] = []
    const handler: ProxyHandler<() => void> = {
      get: (_target, key) => asked.push(key),
      getOwnPropertyDescriptor: (_target, key) => void asked.push(key),
      ownKeys: () => [String(asked.push('keys'))]
    }
    const proxy = new Proxy(shapes.replace, handler)
    assert.deepEqual(findReference(proxy), { refusal: { kind: 'proxy' } })
    assert.deepEqual(asked, [])
  })

  test('native functions, and functions internal to Node, are refused', () => {
    let settle!: () => void
    void new Promise<void>(resolve => {
      settle = resolve
    })
    assertRefused(settle, 'an anonymous function', NATIVE)
    assertRefused(Object.getPrototypeOf(async () => {}).constructor, '`AsyncFunction`', NATIVE)
    assertRefused(vm.runInNewContext('Math.sqrt'), '`sqrt`', NATIVE)
    assertRefused(util.promisify(setImmediate.bind(null)), '`bound setImmediate`', INTERNAL)
  })

  test('code that was compiled at run time is refused', () => {
    assertRefused(new Function('a', 'return a'), '`anonymous`', RUN_TIME)
    // biome-ignore lint/security/noGlobalEval: code from eval is what is tested
    assertRefused(globalThis.eval('(function evaluated() {})'), '`evaluated`', RUN_TIME)
    assertRefused(
      vm.runInThisContext('(function named() {})', { filename: shapesUrl }),
      '`named`',
      `it stands in ${shapesUrl}, which was not loaded by import or require but by other means (node:vm, a test runner). ` +
        'Name it as { module, export }'
    )
  })

  test('a refusal without a path has no path', () => {
    assert.throws(() => referenceOf(new Function(), ''), {
      message: `cannot send \`anonymous\`: ${RUN_TIME}`,
      path: ''
    })
  })

  test('members that only look like names are not run', () => {
    let runs = 0
    class Named {
      static get name(): string {
        runs += 1
        return 'made up'
      }
      static toString(): string {
        runs += 1
        return 'class Other {}'
      }
    }
    assertRefused(Named, 'an anonymous class', MAIN)
    assert.equal(runs, 0)
  })

  test('a refused function is accepted once it is exported', () => {
    const hidden = common.getHidden()
    assertRefused(hidden, '`hidden`', unexported(commonUrl))
    common.nowExported = hidden
    assert.deepEqual(referenceOf(hidden, ''), { module: commonUrl, export: 'nowExported' })
  })
})

describe('the main program, in each way to run it', { timeout: limit(60_000) }, () => {
  const send = `
    const try_ = fn => { try { return referenceOf(fn, 'f').module } catch (error) { return error.message } }
    function square(x) { return x * x }
    const expected = 'cannot send \`square\` (f): ${MAIN}'
    console.log(JSON.stringify({ refused: try_(square) === expected || try_(square), accepted: try_(other) }))
  `
  const esm = `import { referenceOf } from '${LIBRARY.reference}'\nimport { other } from './other.mjs'\n${send}\nexport { square }`
  const cjs = `
    const { other } = require('./other.cjs')
    import('${LIBRARY.reference}').then(({ referenceOf }) => { ${send}; exports.square = square; })`
  const files = { 'other.mjs': 'export const other = x => x', 'other.cjs': 'exports.other = x => x' }

  async function assertMain(
    extra: Record<string, string>,
    args: string[],
    other: string,
    input?: string
  ): Promise<void> {
    await using project = await Project.create({ ...files, ...extra })
    const replaced = args.map(arg => arg.replace('DIRECTORY', project.directory))
    assert.deepEqual(await project.json(replaced, { input }), { refused: true, accepted: project.url(other) })
  }

  test('an ES module that is the main program is refused', () =>
    assertMain({ 'main.mjs': esm }, ['main.mjs'], 'other.mjs'))
  test('an ES module that is the main program and is imported again with a query is refused', async () => {
    await using project = await Project.create({
      'main.mjs': `
        import { referenceOf } from '${LIBRARY.reference}'
        export function square(x) { return x * x }
        if (import.meta.url.endsWith('?again')) try { referenceOf(square, 'f') } catch (e) { console.log(JSON.stringify(e.message)) }
        else import('./main.mjs?again')
      `
    })
    assert.equal(await project.json(['main.mjs']), `cannot send \`square\` (f): ${MAIN}`)
  })
  test('a CommonJS module that is the main program is refused', () =>
    assertMain({ 'main.cjs': cjs }, ['main.cjs'], 'other.cjs'))
  test('a main program that is named without its extension is refused', () =>
    assertMain({ 'main.js': cjs }, ['main'], 'other.cjs'))
  test('a main program whose file has no extension is refused', () =>
    assertMain({ main: cjs }, ['DIRECTORY/main'], 'other.cjs'))
  test('a main program behind a symbolic link is refused', () =>
    assertMain({ 'lib/x.mjs': esm.replace('./other', '../other'), bin: '-> lib/x.mjs' }, ['bin'], 'other.mjs'))
  test('a CommonJS main program behind a symbolic link is refused', () =>
    assertMain({ 'lib/x.cjs': cjs.replace('./other', '../other'), bin: '-> lib/x.cjs' }, ['bin'], 'other.cjs'))
  test('a main program behind a symbolic link that Node does not follow is refused', () =>
    assertMain({ 'lib/x.mjs': esm, 'bin.mjs': '-> lib/x.mjs' }, ['--preserve-symlinks-main', 'bin.mjs'], 'other.mjs'))
  test('a main program that is a directory with a package.json is refused', () =>
    assertMain(
      { 'app/package.json': '{"main":"./start.cjs"}', 'app/start.cjs': cjs.replace('./other', '../other') },
      ['app'],
      'other.cjs'
    ))
  test('a main program that is a directory whose package.json names an ES module is refused', () =>
    assertMain(
      { 'app/package.json': '{"main":"./start.mjs"}', 'app/start.mjs': esm.replace('./other', '../other') },
      ['app'],
      'other.mjs'
    ))
  test('a main program behind a symbolic link is refused where Node follows only that of the main program', () =>
    assertMain(
      { 'lib/x.mjs': esm.replace('./other', '../other'), 'bin.mjs': '-> lib/x.mjs' },
      ['--preserve-symlinks', 'bin.mjs'],
      'other.mjs'
    ))
  test('CommonJS of node -e is refused', () => assertMain({}, ['-e', cjs], 'other.cjs'))
  test('CommonJS of node -e with a file as an argument is refused', () =>
    assertMain({}, ['-e', cjs, 'DIRECTORY/other.cjs'], 'other.cjs'))
  test('an ES module of node -e is refused', () => assertMain({}, ['--input-type=module', '-e', esm], 'other.mjs'))
  test('CommonJS of standard input is refused', () => assertMain({}, [], 'other.cjs', cjs))
  test('an ES module of standard input is refused', () =>
    assertMain({}, ['--input-type=module', '-'], 'other.mjs', esm))

  test('functions of the REPL are refused', async () => {
    await using project = await Project.create({})
    const lines = [
      'function square(x) { return x * x }',
      `const { referenceOf } = require('${fileURLToPath(LIBRARY.reference)}')`,
      "try { referenceOf(square, 'f') } catch (e) { console.log('<' + e.message + '>') }"
    ]
    const { stdout } = await project.node(['-i'], { input: `${lines.join('\n')}\n` })
    assert.ok(stdout.includes(`<cannot send \`square\` (f): ${MAIN}>`), stdout)
  })

  test('a worker thread refuses functions of its own script, and of the program that it belongs to', async () => {
    await using project = await Project.create({
      ...files,
      'main.mjs': `
        import { Worker, isMainThread } from 'node:worker_threads'
        export function fromMain() {}
        if (isMainThread) new Worker(new URL('./worker.mjs', import.meta.url))
      `,
      'worker.mjs': `
        import { referenceOf } from '${LIBRARY.reference}'
        import { other } from './other.mjs'
        import { fromMain } from './main.mjs'
        const try_ = fn => { try { return referenceOf(fn, '').module } catch (error) { return error.message } }
        export function inWorker() {}
        console.log(JSON.stringify([other, fromMain, inWorker].map(try_)))
      `
    })
    assert.deepEqual(await project.json(['--no-warnings', 'main.mjs']), [
      project.url('other.mjs'),
      `cannot send \`fromMain\`: ${MAIN}`,
      `cannot send \`inWorker\`: ${MAIN}`
    ])
  })

  test('functions of a worker thread that was created from text are refused', async () => {
    await using project = await Project.create({
      ...files,
      'main.cjs': `new (require('node:worker_threads').Worker)(${JSON.stringify(cjs.replace('./other.cjs', 'DIRECTORY/other.cjs'))}.replace('DIRECTORY', __dirname), { eval: true })`
    })
    assert.deepEqual(await project.json(['main.cjs']), { refused: true, accepted: project.url('other.cjs') })
  })
})
