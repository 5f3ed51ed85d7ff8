/** A program that a bundler made one file of: it says what to do, and works once it has been done. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Scratch } from './fixtures/process/tools.ts'
import { limit } from './fixtures/slowness.ts'

const timeout = limit(60_000)
const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const esbuild = path.join(path.dirname(createRequire(import.meta.url).resolve('esbuild/package.json')), 'bin/esbuild')

const PROGRAM = `
  import { Pool } from 'multiprocess'
  import { square } from './tasks.mjs'
  const main = async () => {
    const pool = new Pool(1)
    console.log(await pool.map(square, [1, 2, 3]))
    pool.close()
    await pool.join()
  }
  main()
`

describe('a program inside a bundle', { timeout }, () => {
  let scratch: Scratch

  before(async () => {
    scratch = await Scratch.create({
      'tasks.mjs': 'export const square = x => x * x',
      'program.mjs': PROGRAM,
      'package.json': '{}'
    })
    await mkdir(scratch.file('node_modules'))
    await symlink(root, scratch.file('node_modules/multiprocess'))
  })

  after(() => scratch[Symbol.asyncDispose]())

  for (const [format, extension] of [
    ['esm', 'mjs'],
    ['cjs', 'cjs']
  ]) {
    test(`a bundle (${format}) that holds the library says to keep it external`, { timeout }, async () => {
      const out = scratch.file(`whole-${format}/out.${extension}`)
      await run(esbuild, ['--bundle', '--platform=node', `--format=${format}`, `--outfile=${out}`, 'program.mjs'], {
        cwd: scratch.directory
      })
      const { stderr } = await run(process.execPath, [out], { timeout }).then(
        () => assert.fail('it ran'),
        (error: { stderr: string }) => error
      )
      assert.match(stderr, /multiprocess cannot run inside a bundle: .*esbuild --external:multiprocess/)
      assert.match(stderr, /code: 'ERR_BUNDLED'/)
    })

    test(`a bundle (${format}) that keeps the library external runs, with functions by value`, {
      timeout
    }, async () => {
      const out = scratch.file(`beside-${format}/out.${extension}`)
      await run(
        esbuild,
        [
          '--bundle',
          '--platform=node',
          '--external:multiprocess',
          `--format=${format}`,
          `--outfile=${out}`,
          'program.mjs'
        ],
        { cwd: scratch.directory }
      )
      const { stdout, stderr } = await run(process.execPath, [out], { timeout })
      assert.deepEqual([stdout, stderr], ['[ 1, 4, 9 ]\n', ''])
    })
  }
})
