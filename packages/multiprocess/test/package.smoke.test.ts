/** The package as it is published: what `npm pack` puts into it, unpacked beside a program that imports it by name. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, cp, mkdir, readdir, rename, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as source from '../src/index.ts'
import { Scratch } from './fixtures/process/tools.ts'
import { limit } from './fixtures/slowness.ts'

const timeout = limit(60_000)
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

const OUTPUT = 'true 0\n[ 1, 4, 9 ] [ Map(1) { 1 => 1970-01-01T00:00:00.010Z } ]\ntrue no\n'

const MISSING = `
  import { getAllStartMethods, getContext, getStartMethod, Pool } from 'multiprocess'
  process.on('warning', ({ code, message }) => console.log(code, message))
  try {
    getContext('spawn')
  } catch ({ code, message }) {
    console.log(code, message)
  }
  const pool = new Pool(2)
  console.log(getAllStartMethods().join(), getStartMethod(), await pool.map(x => x * x, [1, 2, 3]))
  await pool.terminate()
`

const TYPED_PROGRAM = `
  import { type Context, getContext, type Lock, Pool, Process, Queue } from 'multiprocess'
  import * as threads from 'multiprocess/threads'
  import type { Pool as DummyPool } from 'multiprocess/dummy'
  import { decode, encode } from 'multiprocess/codec'
  import { FifoQueue } from 'multiprocess/pooling'
  import { type InstrumentationOptions, MultiprocessInstrumentation } from 'multiprocess/otel'

  const context: Context = getContext('thread')
  export const lock: Lock = new context.Lock()
  export const pools: (Pool | DummyPool)[] = [new Pool(2), new threads.Pool({ context, processes: 1 })]
  export const bytes: Uint8Array = encode([decode(encode(1)), new FifoQueue<number>()])
  export const numbers: Queue<number> = new threads.Queue<number>(1)
  export const squares: Promise<number[]> = pools[0].map((n: number) => n * n, [1, 2])
  new Process({ target: (text: string) => text.length, args: ['text'] }).start()
  export const options: InstrumentationOptions = { enabled: false }
  export const instrumentation: { enable(): void } = new MultiprocessInstrumentation(options)
  // @ts-expect-error: the argument of the target is text
  new Process({ target: (text: string) => text.length, args: [1] })
  // @ts-expect-error: a queue of numbers
  numbers.putNowait('text')
`

/** Has the scratch's program find packages of this workspace. */
async function link(scratch: Scratch, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const found = (require.resolve.paths(name) ?? []).map(folder => path.join(folder, name))
    for (const folder of found) {
      if (!(await readdir(folder).catch(() => undefined))) continue
      await mkdir(path.dirname(scratch.file(`node_modules/${name}`)), { recursive: true })
      await symlink(folder, scratch.file(`node_modules/${name}`))
      break
    }
  }
}

/** The files that a condition of `exports`, or its conditions, name. */
const filesOf = (target: string | object): string[] =>
  typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf)

describe('the packed package', { timeout: limit(240_000) }, () => {
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
    await link(scratch, [...Object.keys({ ...dependencies, ...optionalDependencies }), 'typescript', '@types/node'])
  })

  after(() => scratch[Symbol.asyncDispose]())

  for (const entry of ['multiprocess', 'multiprocess/threads', 'multiprocess/dummy']) {
    test(`${entry} runs processes and pools`, { timeout }, async () => {
      await scratch.write('program.mjs', PROGRAM(entry))
      const { stdout, stderr } = await run(process.execPath, [scratch.file('program.mjs')], { timeout })
      assert.equal(stderr, '')
      assert.equal(stdout, OUTPUT)
    })
  }

  test('a CommonJS program has it through require()', { timeout }, async () => {
    await scratch.write(
      'program.cjs',
      `const { Pool, getContext } = require('multiprocess')
      const threads = require('multiprocess/threads')
      const { square } = require('./squares.cjs')
      const { decode, encode } = require('multiprocess/codec')
      const { FifoQueue } = require('multiprocess/pooling')
      async function main() {
        if ((await decode(encode(new Date(7)))).getTime() !== 7) throw new Error('the codec of require() has lost a date')
        const { decode: importedDecode } = await import('multiprocess/codec')
        if ((await importedDecode(encode(new Map([[1, 2]])))).get(1) !== 2) throw new Error('import and require() differ')
        if ((await import('multiprocess/pooling')).FifoQueue !== FifoQueue) throw new Error('two classes of one name')
        const imported = await import('multiprocess')
        console.log(imported.Pool === Pool, (await import('multiprocess/threads')).Pool === threads.Pool)
        for (const { Pool: Any } of [{ Pool }, threads, getContext('thread')]) {
          const pool = new Any(1)
          console.log(await pool.map(square, [1, 2, 3]), await pool.apply(x => x + 1, [1]))
          pool.close()
          await pool.join()
        }
      }
      main()`
    )
    await scratch.write('squares.cjs', 'exports.square = x => x * x')
    // Without require() of ES modules, as on older Node and in Jest.
    for (const options of [[], ['--no-experimental-require-module']]) {
      const { stdout, stderr } = await run(process.execPath, [...options, scratch.file('program.cjs')], { timeout })
      assert.equal(stderr, '')
      assert.equal(stdout, `true true\n${'[ 1, 4, 9 ] 2\n'.repeat(3)}`)
    }
  })

  test('multiprocess/otel says that OpenTelemetry is missing, and works once it is there', { timeout }, async () => {
    const program = `
      try {
        new MultiprocessInstrumentation()
        const pool = new Pool(1)
        pool.apply(square, [3]).then(result => console.log('traced', result)).then(() => pool.terminate())
      } catch ({ code, message }) {
        console.log(code, message)
      }`
    await scratch.write(
      'traced.mjs',
      `import { Pool } from 'multiprocess'
      import { MultiprocessInstrumentation } from 'multiprocess/otel'
      import { square } from './tasks.mjs'
      ${program}`
    )
    await scratch.write(
      'traced.cjs',
      `const { Pool } = require('multiprocess')
      const { MultiprocessInstrumentation } = require('multiprocess/otel')
      const { square } = require('./squares.cjs')
      ${program}`
    )
    await scratch.write('squares.cjs', 'exports.square = x => x * x')
    const outputs = async () =>
      Promise.all(
        ['traced.mjs', 'traced.cjs'].map(
          async name => (await run(process.execPath, [scratch.file(name)], { timeout })).stdout
        )
      )
    for (const output of await outputs()) {
      assert.match(
        output,
        /^ERR_IMPORT cannot load @opentelemetry\/api: .*; install it beside multiprocess: npm install @opentelemetry\/api\n$/
      )
    }
    await link(scratch, ['@opentelemetry/api'])
    assert.deepEqual(await outputs(), ['traced 9\n', 'traced 9\n'])
  })

  for (const [module, resolution, file] of [
    ['node16', 'node16', 'program.mts'],
    ['node16', 'node16', 'program.cts'],
    ['esnext', 'bundler', 'program.ts']
  ] as const) {
    test(`its types are found with module ${module}, by ${file}`, { timeout }, async () => {
      await scratch.write(`types-${resolution}/${file}`, TYPED_PROGRAM)
      const options = [
        '--noEmit',
        '--strict',
        '--target',
        'es2022',
        '--lib',
        'es2023,esnext.disposable',
        '--types',
        'node'
      ]
      const resolving = ['--module', module, '--moduleResolution', resolution]
      const tsc = scratch.file('node_modules/typescript/bin/tsc')
      const program = scratch.file(`types-${resolution}/${file}`)
      const { stdout } = await run(process.execPath, [tsc, ...options, ...resolving, program], {
        timeout,
        cwd: scratch.directory
      }).catch(error => error as { stdout: string })
      assert.equal(stdout, '')
    })
  }

  test('threads need nothing native: without optional dependencies processes say what is missing', {
    timeout
  }, async () => {
    const bare = await Scratch.create({ 'tasks.mjs': TASKS, 'package.json': '{}' })
    try {
      await mkdir(bare.file('node_modules'))
      await cp(installed, bare.file('node_modules/multiprocess'), { recursive: true })
      await link(bare, Object.keys(dependencies))
      await bare.write('threads.mjs', PROGRAM('multiprocess/threads'))
      const { stdout } = await run(process.execPath, [bare.file('threads.mjs')], { timeout })
      assert.equal(stdout, OUTPUT)
      await bare.write('processes.mjs', MISSING)
      const { stdout: missing } = await run(process.execPath, [bare.file('processes.mjs')], { timeout })
      assert.match(
        missing,
        /^ERR_UNSUPPORTED_PLATFORM cannot use the start method 'spawn' here: cannot load @koromix\/koffi-\S+: npm installs it as an optional dependency/
      )
      assert.match(missing, /^MULTIPROCESS_THREADS multiprocess runs on threads here, .*@koromix\/koffi/m)
      assert.match(missing, /^thread thread \[ 1, 4, 9 \]$/m)
    } finally {
      await bare[Symbol.asyncDispose]()
    }
  })

  test('every name that the source exports is there, and has its types', { timeout }, async () => {
    await scratch.write('names.mjs', "console.log(Object.keys(await import('multiprocess')).sort().join())")
    const { stdout } = await run(process.execPath, [scratch.file('names.mjs')], { timeout })
    assert.deepEqual(stdout.trim().split(','), Object.keys(source).sort())
    const { exports } = require(path.join(installed, 'package.json')) as { exports: Record<string, object> }
    for (const target of Object.values(exports)) {
      for (const file of filesOf(target)) await access(path.join(installed, file))
    }
  })

  test('it says what it is, and under which license', { timeout }, async () => {
    for (const file of ['README.md', 'LICENSE']) await access(path.join(installed, file))
  })

  test('no test, benchmark or compiled source is in it', { timeout }, async () => {
    const files = await readdir(installed, { recursive: true })
    assert.deepEqual(
      files.filter(file => /test|bench|dist\/src\/.*\.js$/.test(file)),
      []
    )
  })
})
