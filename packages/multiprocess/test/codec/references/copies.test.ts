/** Two copies of the package in one program, and programs whose loader or machine is not the usual one. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { encode } from '../../../src/codec/encode.ts'
import { Lock, Queue } from '../../../src/index.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(120_000) }
const source = fileURLToPath(new URL('../../../src/', import.meta.url))
const modules = dirname(dirname(createRequire(import.meta.url).resolve('acorn/package.json')))
const directory = mkdtempSync(join(tmpdir(), 'copies-'))
after(() => rmSync(directory, { recursive: true }))

test('an object of another copy of the package is refused, and the error says where that copy is', LIMIT, async () => {
  const copy = join(directory, 'node_modules', 'multiprocess')
  mkdirSync(join(copy, 'dist'), { recursive: true })
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }')
  cpSync(source, join(copy, 'dist', 'src'), { recursive: true })
  symlinkSync(modules, join(copy, 'node_modules'))
  const other = (await import(
    pathToFileURL(join(copy, 'dist/src/index.js')).href
  )) as typeof import('../../../src/index.ts')
  for (const [object, name] of [
    [new other.Lock(), 'a Lock'],
    [other.RawArray('i', 3), 'an Int32Array']
  ] as const) {
    assert.throws(
      () => encode({ object }),
      (error: Error) =>
        error.name === 'SerializationError' &&
        error.message.startsWith(
          `cannot send value.object: it is ${name} from another copy of multiprocess at file://`
        ) &&
        error.message.includes(join('node_modules', 'multiprocess')) &&
        error.message.includes('npm dedupe')
    )
  }
  assert.ok(encode([new Lock(), new Queue(), new Date()]).length > 0)
})

const program = (file: string, text: string): string => {
  const path = join(directory, file)
  writeFileSync(path, text)
  return path
}

test('a function of a file whose type only require() knows is required by the child', LIMIT, () => {
  program(
    'hook.cjs',
    "require.extensions['.tz'] = (module, path) => module._compile(require('fs').readFileSync(path, 'utf8').replaceAll(': number', ''), path)"
  )
  program('tasks.tz', 'exports.double = (x: number) => 2 * x')
  const main = program(
    'main.cjs',
    `const { double } = require('./tasks.tz')
     import(${JSON.stringify(pathToFileURL(join(source, 'index.js')).href)}).then(async ({ Pool }) => {
       const pool = new Pool(1)
       console.log(await pool.map(double, [1, 2, 3]))
       await pool.close()
       await pool.join()
     })`
  )
  const out = execFileSync(process.execPath, ['-r', join(directory, 'hook.cjs'), main], { encoding: 'utf8' })
  assert.equal(out, '[ 2, 4, 6 ]\n')
})

test('without WebAssembly modules are read by the JavaScript build of the lexer', LIMIT, () => {
  const main = program(
    'lexer.mjs',
    `import { readExports } from ${JSON.stringify(pathToFileURL(join(source, 'codec/references/exports.js')).href)}
     console.log(typeof WebAssembly, [...readExports('export function square() {}\\nexport { square as other }').names.keys()])`
  )
  const out = execFileSync(process.execPath, ['--jitless', main], { encoding: 'utf8' })
  assert.match(out, /^undefined \[ 'square' \]/)
})

test('a child that has answered still follows symbolic links when it imports', LIMIT, () => {
  const home = join(directory, 'linked')
  mkdirSync(join(home, 'node_modules'), { recursive: true })
  mkdirSync(join(home, 'packages/first'), { recursive: true })
  mkdirSync(join(home, 'packages/second'), { recursive: true })
  for (const name of ['first', 'second']) {
    const folder = join(home, 'packages', name)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
    writeFileSync(join(folder, 'index.js'), 'export default import.meta.url')
    symlinkSync(folder, join(home, 'node_modules', name))
  }
  program('linked/tasks.mjs', 'export const load = async name => (await import(name)).default')
  const main = program(
    'linked/main.mjs',
    `import { Pool } from ${JSON.stringify(pathToFileURL(join(source, 'index.js')).href)}
     import { load } from './tasks.mjs'
     const pool = new Pool(1)
     console.log(await pool.apply(load, ['first']))
     console.log(await pool.apply(load, ['second']))
     await pool.close()
     await pool.join()`
  )
  const out = execFileSync(process.execPath, [main], { encoding: 'utf8' })
  const urls = ['first', 'second'].map(name => pathToFileURL(join(home, 'packages', name, 'index.js')).href)
  assert.equal(out, `${urls.join('\n')}\n`)
})
