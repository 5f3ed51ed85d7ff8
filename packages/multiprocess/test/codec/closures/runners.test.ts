import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const RUNNER = fileURLToPath(new URL('../../fixtures/closures/test-runner.js', import.meta.url))

/** A module of tests: functions and classes of its own, of another module, and of Node. */
const suite = (helper: string, Shape: string, os: string) => `
const factor = 7
const scale = x => x * factor
class Local {
  constructor(n) { this.n = n }
  twice() { return this.n * 2 }
}
const run = async ({ Pool, Process, Queue }) => {
  const pool = new Pool(1)
  const add = 3
  const values = { date: new Date(3), map: new Map([[1, new Set([2])]]), bytes: new Uint8Array([1]), url: new URL('https://x.org'), list: [1, , { a: 1n }] }
  const isSame = ({ date, map, bytes, url, list }) =>
    date instanceof Date && map instanceof Map && map.get(1).has(2) && bytes instanceof Uint8Array && url.host === 'x.org' && list.length === 3 && !(1 in list) && list[2].a === 1n
  const shape = await pool.apply(shape => new (${Shape})(shape.side + 1), [new (${Shape})(4)])
  const error = await pool.apply(() => { throw new TypeError('thrown') }).catch(error => error)
  const timer = setTimeout(() => {})
  clearTimeout(timer)
  const results = {
    closures: [await pool.apply(x => scale(x) + add, [5]), await pool.map(x => x * add, [1, 2])],
    imports: [await pool.apply(x => ${helper}(x) + ${os}.EOL.length, [5]), await pool.apply(${helper}, [5])],
    classes: [await pool.apply(x => x.twice(), [new Local(4)]), shape instanceof ${Shape}, shape.area()],
    errors: [error instanceof TypeError, error.message, await pool.apply(() => timer.ref()).catch(error => error.message)],
    values: [await pool.apply(isSame, [values]), isSame(await pool.apply(x => x, [values]))],
    process: null
  }
  pool.terminate()
  const queue = new Queue()
  const captured = { n: 20 }
  const child = new Process({ target: async (queue, n) => { await queue.put(n + captured.n + factor) }, args: [queue, 3] })
  child.start()
  results.process = [await queue.get(), await child.join(), child.exitcode]
  return results
}
`

const HELPERS = `const helper = x => x + 100
class Shape {
  constructor(side) { this.side = side }
  area() { return this.side ** 2 }
}
`

const RESULTS = {
  closures: [38, [3, 6]],
  imports: [106, 105],
  classes: [8, true, 25],
  errors: [
    true,
    'thrown',
    'cannot send an anonymous function (fn): captured variable `timer` (via `anonymous`) is a Timeout; start a timer where it is needed'
  ],
  values: [true, true],
  process: [30, true, 0]
}

async function check(files: Readonly<Record<string, string>>, manner: string, file: string): Promise<void> {
  await using project = await Project.create(files)
  const flags = ['--experimental-vm-modules', '--no-warnings']
  assert.deepEqual(await project.json([...flags, RUNNER, manner, project.file(file)]), RESULTS)
}

describe('modules that a test runner runs', { timeout: limit(60_000), concurrency: 2 }, () => {
  test('closures of CommonJS modules in their own context cross', () =>
    check(
      {
        'suite.cjs': `const os = require('node:os')\nconst { helper, Shape } = require('./helpers.cjs')\n${suite('helper', 'Shape', 'os')}module.exports = run`,
        'helpers.cjs': `${HELPERS}module.exports = { helper, Shape }`
      },
      'commonjs',
      'suite.cjs'
    ))

  test('closures of ES modules in their own context cross', () =>
    check(
      {
        'suite.mjs': `import os from 'node:os'\nimport { helper, Shape } from './helpers.mjs'\n${suite('helper', 'Shape', 'os')}export default run`,
        'helpers.mjs': `${HELPERS}export { helper, Shape }`
      },
      'module',
      'suite.mjs'
    ))

  test('closures of ES modules that are rewritten to functions which get their imports cross', () =>
    check(
      {
        'suite.mjs': `const __vi_import_0__ = await __vite_ssr_import__('node:os')\nconst __vi_import_1__ = await __vite_ssr_import__('./helpers.mjs')\n${suite('__vi_import_1__.helper', '__vi_import_1__.Shape', '__vi_import_0__.default')}__vite_ssr_exports__.default = run`,
        'helpers.mjs': `${HELPERS}export { helper, Shape }`
      },
      'rewritten',
      'suite.mjs'
    ))
})
