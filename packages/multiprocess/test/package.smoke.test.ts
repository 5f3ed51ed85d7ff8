/** The package as it is published: what `npm pack` puts into it, unpacked beside a program that imports it by name. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, mkdir, readdir, rename, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as source from '../src/index.ts'
import { Scratch } from './fixtures/process/tools.ts'

const timeout = 60_000
const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const require = createRequire(import.meta.url)
const { dependencies, optionalDependencies } = require('../../package.json') as Record<string, Record<string, string>>

const TASKS = `
  export const square = x => x * x
  export const fail = text => { throw new RangeError(text) }
`
const PROGRAM = (entry: string) => `
  import { Pool, Process } from '${entry}'
  import { square, fail } from './tasks.mjs'
  const process = new Process({ target: square, args: [3] })
  process.start()
  console.log(await process.join(), process.exitcode)
  const pool = new Pool(2)
  const factor = 10
  console.log(await pool.map(square, [1, 2, 3]), await pool.map(x => new Map([[x, new Date(x * factor)]]), [1]))
  await pool.apply(fail, ['no']).catch(error => console.log(error instanceof RangeError, error.message))
  pool.close()
  await pool.join()
`

describe('the packed package', { timeout }, () => {
  let scratch: Scratch
  let installed: string

  before(async () => {
    scratch = await Scratch.create({ 'tasks.mjs': TASKS, 'package.json': '{}' })
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', scratch.directory], { cwd: root })
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    installed = scratch.file('node_modules/multiprocess')
    await mkdir(scratch.file('node_modules'))
    await run('tar', ['-xzf', filename], { cwd: scratch.directory })
    await rename(scratch.file('package'), installed)
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = (require.resolve.paths(name) ?? []).map(folder => path.join(folder, name))
      for (const folder of found) {
        if (!(await readdir(folder).catch(() => undefined))) continue
        await mkdir(path.dirname(scratch.file(`node_modules/${name}`)), { recursive: true })
        await symlink(folder, scratch.file(`node_modules/${name}`))
        break
      }
    }
  })

  after(() => scratch[Symbol.asyncDispose]())

  for (const entry of ['multiprocess', 'multiprocess/threads', 'multiprocess/dummy']) {
    test(`${entry} runs processes and pools`, { timeout }, async () => {
      await scratch.write('program.mjs', PROGRAM(entry))
      const { stdout, stderr } = await run(process.execPath, [scratch.file('program.mjs')], { timeout })
      assert.equal(stderr, '')
      assert.equal(stdout, 'true 0\n[ 1, 4, 9 ] [ Map(1) { 1 => 1970-01-01T00:00:00.010Z } ]\ntrue no\n')
    })
  }

  test('every name that the source exports is there, and has its types', { timeout }, async () => {
    await scratch.write('names.mjs', "console.log(Object.keys(await import('multiprocess')).sort().join())")
    const { stdout } = await run(process.execPath, [scratch.file('names.mjs')], { timeout })
    assert.deepEqual(stdout.trim().split(','), Object.keys(source).sort())
    const { exports } = require(path.join(installed, 'package.json')) as { exports: Record<string, { types?: string }> }
    for (const { types } of Object.values(exports)) {
      if (types !== undefined) await access(path.join(installed, types))
    }
  })

  test('no test, benchmark or compiled source is in it', { timeout }, async () => {
    const files = await readdir(installed, { recursive: true })
    assert.deepEqual(
      files.filter(file => /test|bench|dist\/src\/.*\.js$/.test(file)),
      []
    )
  })
})
