import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const run = promisify(execFile)
const PACKAGE = fileURLToPath(new URL('../../../../', import.meta.url))
const TSX = import.meta.resolve('tsx')
const ESBUILD = createRequire(TSX).resolve('esbuild/bin/esbuild')
const TSC = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
const isStripping = Boolean((process.features as { typescript?: string | false }).typescript)

/** A program whose functions are of the main module, and use what compilers rewrite. */
const program = (library: string) => `import { Pool } from 'multiprocess'
import os, { EOL as end } from 'node:os'
import * as library from '${library}'
import { Point } from '${library}'

interface Summed { sum: number }
const factor: number = 3
let calls = 0
class Scaled extends Point implements Summed {
  static made: number = 0
  private readonly scale: number = factor
  get sum(): number { return (this.x + this.y) * this.scale }
}
const twice = (x: number): number => x * 2
const later = async (x: number, { by = factor, ...rest }: { by?: number } = {}): Promise<unknown> => {
  await null
  for (const y of [x]) calls += y
  return [twice(x) * by, calls, rest, typeof os.cpus, end.length, library.offset(x)]
}
const fail = (text: string): never => {
  throw new RangeError(text)
}
async function main(): Promise<void> {
  const pool = new Pool(1)
  try {
    const results = [
      await pool.map(x => later(x), [1, 2]),
      await pool.apply((scaled: Scaled) => [scaled.sum, scaled instanceof Scaled, scaled instanceof Point, Scaled.made], [new Scaled(1, 2)]),
      await pool.apply(() => [...(function* () { yield* [factor, \`\${factor}\`] })()]),
      await pool.apply(fail, ['here']).catch((error: Error) => (error.stack ?? '').split('\\n')[1].trim())
    ]
    console.log(JSON.stringify(results))
  } finally {
    pool.terminate()
    await pool.join()
  }
}
void main()
`
const library = `export class Point {
  readonly x: number
  readonly y: number
  constructor(x: number, y: number) { this.x = x; this.y = y }
}
export function offset(x: number): number { return x + 10 }
`
const RESULTS = [
  [
    [6, 1, {}, 'function', 1, 11],
    [12, 3, {}, 'function', 1, 12]
  ],
  [9, true, true, 0],
  [3, '3']
]

function create(files: Readonly<Record<string, string>>): Promise<Project> {
  return Project.create({ ...files, 'node_modules/multiprocess': `-> ${PACKAGE}` })
}

/** Runs the program, which names the place of \`fail\` at the end. */
async function check(project: Project, args: readonly string[], place: RegExp): Promise<void> {
  const results = (await project.json(args)) as unknown[]
  assert.deepEqual(results.slice(0, 3), RESULTS)
  assert.match(String(results[3]).replaceAll(project.directory, '').replace('file://', ''), place)
}

const MAPPED = /^at fail \(\/main\.ts:21:9\)$/

describe('programs that tools make or run', { timeout: limit(60_000) }, () => {
  test('closures of modules and CommonJS that tsx runs cross', async () => {
    await using project = await create({
      'package.json': '{"type":"module"}',
      'main.ts': program('./library.ts'),
      'library.ts': library,
      'common/package.json': '{"type":"commonjs"}',
      'common/main.ts': program('./library'),
      'common/library.ts': library
    })
    await check(project, ['--import', TSX, 'main.ts'], MAPPED)
    await check(project, ['--import', TSX, 'common/main.ts'], /^at fail \(\/common\/main\.ts:21:9\)$/)
  })

  test('closures with enumerations, namespaces, parameter properties, decorators and paths that tsx runs cross', async () => {
    await using project = await create({
      'package.json': '{"type":"module"}',
      'tsconfig.json': '{"compilerOptions":{"experimentalDecorators":true,"paths":{"#lib/*":["./lib/*"]}}}',
      'lib/names.ts': 'export const name: string = "lib"',
      'main.ts': `import { Pool } from 'multiprocess'
import { name } from '#lib/names'
enum Color { Red = 1, Blue }
namespace Space { export const depth: number = 4 }
function logged(target: object, key: string, descriptor: PropertyDescriptor): void {
  const { value } = descriptor
  descriptor.value = function (...args: unknown[]) { return ['logged', key, value.apply(this, args)] }
}
class Named {
  constructor(private readonly label: string) {}
  @logged say(): string { return this.label }
}
const pool = new Pool(1)
console.log(JSON.stringify([
  await pool.apply(() => [Color.Blue, Color[1], Space.depth, name]),
  await pool.apply((named: Named) => named.say(), [new Named('x')])
]))
pool.terminate()
await pool.join()`
    })
    assert.deepEqual(await project.json(['--import', TSX, 'main.ts']), [
      [2, 'Red', 4, 'lib'],
      ['logged', 'say', 'x']
    ])
  })

  test('closures whose types Node strips cross', { skip: !isStripping }, async () => {
    await using project = await create({
      'package.json': '{"type":"module"}',
      'main.ts': program('./library.ts'),
      'library.ts': library
    })
    await check(project, ['--no-warnings', 'main.ts'], MAPPED)
  })

  test('closures of CommonJS that tsc compiled cross, with and without source maps', async () => {
    await using project = await create({
      'package.json': '{"type":"commonjs"}',
      'main.ts': program('./library'),
      'library.ts': library
    })
    const flags = ['--ignoreConfig', '--noCheck', '--module', 'commonjs', '--esModuleInterop', '--sourceMap']
    for (const target of ['es2015', 'es2022']) {
      const args = [TSC, ...flags, '--target', target, '--outDir', target, 'main.ts', 'library.ts']
      await run(process.execPath, args, { cwd: project.directory })
      await check(project, ['--no-warnings', '--enable-source-maps', `${target}/main.js`], MAPPED)
      await check(
        project,
        ['--no-warnings', `${target}/main.js`],
        new RegExp(`^at fail \\(/${target}/main\\.js:\\d+:\\d+\\)$`)
      )
    }
  })

  test('closures of ES5 that tsc 5 compiled cross, with its helpers for classes, generators and spreading', async () => {
    await using project = await create({
      'main.cjs': await readFile(
        new URL('../../../../test/fixtures/closures/es5-program.txt', import.meta.url),
        'utf8'
      ),
      'library.cjs': `"use strict"
Object.defineProperty(exports, "__esModule", { value: true })
exports.Point = (function () { function Point(x, y) { this.x = x; this.y = y } return Point })()
exports.offset = function (x) { return x + 10 }`
    })
    const [first, [sum, ...isInstance], last] = RESULTS
    assert.deepEqual(await project.json(['--no-warnings', 'main.cjs']), [first, [sum, ...isInstance.slice(0, 2)], last])
  })

  test('closures of bundles of esbuild cross, also minified ones, with this package external', async () => {
    await using project = await create({
      'package.json': '{"type":"module"}',
      'main.ts': program('./library.ts'),
      'library.ts': library
    })
    const forms = [
      ['esm.mjs', '--format=esm'],
      ['esm-min.mjs', '--format=esm', '--minify'],
      ['cjs.cjs', '--format=cjs', '--keep-names'],
      ['cjs-min.cjs', '--format=cjs', '--minify', '--keep-names']
    ]
    for (const [file, ...flags] of forms) {
      const common = [
        '--bundle',
        '--platform=node',
        '--external:multiprocess',
        '--sourcemap=inline',
        '--log-level=error'
      ]
      await run(ESBUILD, ['main.ts', ...common, ...flags, `--outfile=${file}`], { cwd: project.directory })
      await check(project, ['--no-warnings', '--enable-source-maps', file], /^at \S+ \(\/main\.ts:21:9\)$/)
    }
  })

  test('closures of the REPL cross', async () => {
    await using project = await create({ 'package.json': '{"type":"module"}' })
    const input = `const k = 3
let n = 1
var g = 10
function add(x) { return x + k + n + g }
class Named { constructor(name) { this.name = name } }
n = 4
const run = async ({ Pool }) => {
  const pool = new Pool(1)
  const results = [await pool.map(x => [add(x), k], [1, 2]), await pool.apply(named => named instanceof Named, [new Named('a')])]
  console.log('RESULT' + JSON.stringify(results))
  pool.terminate()
  await pool.join()
  process.exit()
}
import('multiprocess').then(run)
`
    const child = spawn(process.execPath, ['-i'], { cwd: project.directory, stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.write(input)
    let stdout = ''
    for await (const text of child.stdout.setEncoding('utf8')) stdout += text
    child.stdin.destroy()
    assert.match(stdout, /RESULT\[\[\[18,3\],\[19,3\]\],true\]/)
  })

  test('closures cross in a restricted Node, and in one without a file', async () => {
    const closure = `const k = 3
const run = async ({ Pool }) => {
  const pool = new Pool(1)
  const attempt = fn => pool.apply(fn, [4]).catch(error => error.message)
  console.log(JSON.stringify([await attempt(x => Math.abs(x)), await attempt(Math.sqrt), await attempt(x => x * k)]))
  pool.terminate()
  await pool.join()
}
import('multiprocess').then(run)`
    await using project = await create({
      'package.json': '{"type":"module"}',
      'main.js': closure,
      'threads.js': `import { Worker } from 'node:worker_threads'\nnew Worker(new URL('./main.js', import.meta.url))`
    })
    const all = [4, 2, 12]
    assert.deepEqual(await project.json(['--disallow-code-generation-from-strings', 'main.js']), all)
    assert.deepEqual(await project.json(['-e', closure]), all)
    assert.deepEqual(await project.json(['-'], { input: closure }), all)
    assert.deepEqual(await project.json(['threads.js']), all)

    const has = (flag: string) => process.allowedNodeEnvironmentFlags.has(flag)
    const flags = [
      has('--permission') ? '--permission' : '--experimental-permission',
      '--no-warnings',
      '--allow-fs-read=*',
      '--allow-fs-write=*',
      '--allow-child-process',
      ...['--allow-addons', '--allow-worker'].filter(has)
    ]
    const [abs, sqrt, refusal] = (await project.json([...flags, 'main.js'])) as [number, number, string]
    assert.deepEqual([abs, sqrt], [4, 2])
    assert.match(
      refusal,
      /^cannot send an anonymous function \(fn\): it captures `k`, and the V8 inspector is not available in this process \(.*\)\. Pass the values as arguments, or name the function as \{ module, export \}$/
    )
    if (has('--allow-inspector')) {
      assert.deepEqual(await project.json([...flags, '--allow-inspector', 'main.js']), all)
    }
  })
})
