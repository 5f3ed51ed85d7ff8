// Each tool with what it is given, what it runs, and what that must print.

const TASKS = 'export const square = x => x * x\n'
const MAIN = `
import { Pool, Queue } from 'multiprocess'
import { square } from './tasks.EXT'
const main = async () => {
  const pool = new Pool(2)
  const factor = 10
  console.log(JSON.stringify([await pool.map(square, [1, 2, 3]), await pool.map(x => x * factor, [1, 2])]))
  pool.close()
  await pool.join()
  const queue = new Queue()
  await queue.put(new Date(0))
  console.log((await queue.get()).toISOString())
}
main()
`
const PRINTS = /\[\[1,4,9\],\[10,20\]\][\s\S]*1970-01-01T00:00:00\.000Z/
const main = extension => MAIN.replace('EXT', extension)
const threads = text => text.replace("'multiprocess'", "'multiprocess/threads'")

const TYPED = main('ts').replace('x =>', '(x: number) =>').replace('new Queue()', 'new Queue<Date>()')
const TYPED_TASKS = 'export const square = (x: number): number => x * x\n'
const TSCONFIG = options =>
  JSON.stringify({
    compilerOptions: { strict: true, target: 'es2022', skipLibCheck: false, types: ['node'], outDir: 'out', ...options }
  })
const typescript = version => [`typescript@${version}`, '@types/node@22']

const SUITE = `
const { Pool } = require('multiprocess')
const { square } = require('./tasks.cjs')
`
const COMMON_TASKS = 'exports.square = x => x * x\n'

/** Waits of every kind, while the clocks and timers of the program are faked and stand still. */
const FAKED = `
const pool = new Pool(1)
const told = [await pool.map(square, [1, 2, 3])]
told.push(await new Queue().get({ timeout: 50 }).catch(error => error.name))
told.push(await new Semaphore(0).acquire({ timeout: 50 }))
told.push(pool.applySync(square, [4]))
told.push(await pool.apply(forever, [], { timeout: 50, killAfter: 50 }).catch(error => error.name))
const queue = new Queue()
await queue.put('sent')
told.push(await queue.get())
pool.close()
await pool.join()
const seen = JSON.stringify(told)
const wanted = '[[1,4,9],"Empty",false,16,"TimeoutError","sent"]'
if (seen !== wanted) throw new Error(seen)
if (Date.now() !== 0) throw new Error('the clock is not faked: ' + Date.now())
`
const FAKED_TASKS = `${COMMON_TASKS}exports.forever = () => new Promise(resolve => setTimeout(resolve, 3600_000))\n`
const FAKED_NAMES = '{ Pool, Queue, Semaphore }'
const fakedSuite = (test, fake, unfake = '') => ({
  'tasks.cjs': FAKED_TASKS,
  'faked.test.cjs': `
const ${FAKED_NAMES} = require('multiprocess')
const { forever, square } = require('./tasks.cjs')
${test}('works while time stands still', async () => {
  ${fake}
  ${FAKED}
  ${unfake}
})`
})

const typeChecks = version =>
  [
    ['CommonJS', 'main.cts', 'cjs', { module: 'nodenext' }],
    ['ES modules', 'main.mts', 'mjs', { module: 'nodenext' }]
  ].map(([kind, file, out, options]) => ({
    name: `TypeScript ${version}, ${kind}`,
    packages: typescript(version),
    files: {
      [file]: TYPED.replace('./tasks.ts', `./tasks.${out}`),
      [`tasks.${file.slice(-3)}`]: TYPED_TASKS,
      'tsconfig.json': TSCONFIG({ ...options, lib: ['es2023', 'esnext.disposable'] })
    },
    commands: ['tsc', `node out/main.${out}`],
    prints: PRINTS,
    isQuick: version !== '5.7'
  }))

/** Each process of a single executable runs the program: one that started others would do so without end. */
const SINGLE = `
console.log('the program ran')
const { Pool, getContext, getStartMethod } = require('node:module').createRequire(process.execPath)('multiprocess')
const main = async () => {
  const pool = new Pool(2)
  const factor = 10
  const results = await pool.map(x => x * factor, [1, 2])
  pool.close()
  await pool.join()
  try {
    getContext('spawn')
  } catch ({ code }) {
    console.log(getStartMethod(), JSON.stringify(results), code)
  }
}
main()
`

const bundler = (name, packages, command, extra = {}) => [
  {
    name: `${name}, kept external`,
    packages,
    files: { 'main.mjs': main('mjs'), 'tasks.mjs': TASKS, ...extra.files },
    commands: [`${command} ${extra.external ?? ''}`, `node ${extra.out ?? 'out/main.mjs'}`],
    prints: PRINTS,
    isQuick: extra.isQuick
  },
  {
    name: `${name}, bundled into the program`,
    packages,
    files: { 'main.mjs': main('mjs'), 'tasks.mjs': TASKS, ...extra.files },
    commands: [`${command} ${extra.whole ?? ''}`, `node ${extra.out ?? 'out/main.mjs'}`],
    fails: /multiprocess cannot run inside a bundle/,
    note: 'says to keep it external',
    isQuick: extra.isQuick
  }
]

const WEBPACK = `
module.exports = {
  mode: 'development', target: 'node', devtool: false, entry: './main.mjs',
  output: { path: __dirname + '/out', filename: 'main.cjs' },
  externals: process.env.WHOLE ? {} : { multiprocess: 'node-commonjs multiprocess' }
}
`
const VITE = `
export default {
  build: { ssr: 'main.mjs', outDir: 'out', rollupOptions: { output: { entryFileNames: 'main.mjs' } } },
  ssr: process.env.WHOLE ? { noExternal: true } : { external: ['multiprocess'] }
}
`
const ROLLUP = `export default {
  input: 'main.mjs', output: { file: 'out/main.mjs', format: 'esm' }, external: [/^multiprocess/, /^node:/]
}
`

const nodes = ['22', '24', '26'].map(version => ({
  name: `Node ${version}`,
  files: { 'main.mjs': main('mjs'), 'tasks.mjs': TASKS },
  commands: [`npx --yes --package=node-linux-${process.arch}@${version} -- node main.mjs`],
  prints: PRINTS
}))

export const TOOLS = [
  {
    name: `Node ${process.version}, import`,
    files: { 'main.mjs': main('mjs'), 'tasks.mjs': TASKS },
    commands: ['node main.mjs'],
    prints: PRINTS,
    isQuick: true
  },
  {
    name: `Node ${process.version}, threads`,
    files: { 'main.mjs': threads(main('mjs')), 'tasks.mjs': TASKS },
    commands: ['node --no-addons main.mjs'],
    prints: PRINTS,
    isQuick: true
  },
  {
    name: `Node ${process.version}, require`,
    files: {
      'main.cjs': main('cjs').replace(/import (\{.*\}) from ('.*')/g, 'const $1 = require($2)'),
      'tasks.cjs': COMMON_TASKS
    },
    commands: ['node --no-experimental-require-module main.cjs'],
    prints: PRINTS,
    isQuick: true
  },
  ...nodes,
  ...typeChecks('5.7'),
  ...typeChecks('latest'),
  {
    name: 'tsx, CommonJS',
    packages: ['tsx'],
    files: { 'main.cts': TYPED.replace('tasks.ts', 'tasks.cts'), 'tasks.cts': TYPED_TASKS },
    commands: ['tsx main.cts'],
    prints: PRINTS,
    isQuick: true
  },
  {
    name: 'tsx, ES modules',
    packages: ['tsx'],
    files: { 'main.mts': TYPED.replace('tasks.ts', 'tasks.mts'), 'tasks.mts': TYPED_TASKS },
    commands: ['tsx main.mts'],
    prints: PRINTS,
    isQuick: true
  },
  {
    name: 'ts-node, -r ts-node/register',
    packages: ['ts-node', ...typescript('5.9')],
    files: {
      'main.ts': TYPED.replace("'./tasks.ts'", "'./tasks'"),
      'tasks.ts': TYPED_TASKS,
      'tsconfig.json': TSCONFIG({ module: 'node16' })
    },
    commands: ['node -r ts-node/register main.ts'],
    prints: PRINTS
  },
  {
    name: 'Mocha',
    packages: ['mocha', 'sinon'],
    files: {
      'tasks.cjs': COMMON_TASKS,
      'pool.spec.cjs': `${SUITE}
it('runs a pool', async () => {
  const pool = new Pool(1)
  if (String(await pool.map(square, [1, 2, 3])) !== '1,4,9') throw new Error('wrong')
  pool.close()
  await pool.join()
})`
    },
    commands: ['mocha --timeout 60000 pool.spec.cjs'],
    prints: /1 passing/,
    isQuick: true
  },
  {
    name: 'Jest',
    packages: ['jest'],
    files: {
      'tasks.cjs': COMMON_TASKS,
      'pool.test.js': `${SUITE}
test('runs a pool', async () => {
  const pool = new Pool(1)
  expect(await pool.map(square, [1, 2, 3])).toEqual([1, 4, 9])
  pool.close()
  await pool.join()
}, 60000)`
    },
    commands: ['jest --no-watchman'],
    prints: /1 passed/,
    isQuick: true
  },
  {
    name: 'Vitest',
    packages: ['vitest@3'],
    files: {
      'tasks.mjs': TASKS,
      'pool.test.mjs': `
import { expect, test } from 'vitest'
import { Pool } from 'multiprocess'
import { square } from './tasks.mjs'
test('runs a pool', async () => {
  const pool = new Pool(1)
  expect(await pool.map(square, [1, 2, 3])).toEqual([1, 4, 9])
  pool.close()
  await pool.join()
}, 60000)`
    },
    commands: ['vitest run'],
    prints: /1 passed/
  },
  {
    name: 'Jest, fake timers',
    packages: ['jest'],
    files: fakedSuite('test', 'jest.useFakeTimers({ now: 0 })'),
    commands: ['jest --no-watchman --testTimeout=60000 --testRegex=faked.test'],
    prints: /1 passed/,
    isQuick: true
  },
  {
    name: 'Jest, fake timers before the import',
    packages: ['jest'],
    manifest: { jest: { fakeTimers: { enableGlobally: true, now: 0 } } },
    files: fakedSuite('test', ''),
    commands: ['jest --no-watchman --testTimeout=60000 --testRegex=faked.test'],
    prints: /1 passed/,
    isQuick: true
  },
  {
    name: 'Mocha with Sinon, fake timers',
    packages: ['mocha', 'sinon'],
    files: fakedSuite('it', "const clock = require('sinon').useFakeTimers({ now: 0 })", 'clock.restore()'),
    commands: ['mocha --timeout 60000 faked.test.cjs'],
    prints: /1 passing/,
    isQuick: true
  },
  {
    name: `Node ${process.version}, node:test, mock.timers`,
    files: fakedSuite(
      "require('node:test').test",
      "require('node:test').mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: 0 })",
      "require('node:test').mock.timers.reset()"
    ),
    commands: ['node --test-reporter=tap --test faked.test.cjs'],
    prints: /^# pass 1$/m,
    isQuick: true
  },
  {
    name: 'Vitest, fake timers',
    packages: ['vitest@3'],
    files: {
      'tasks.mjs': FAKED_TASKS.replaceAll('exports.', 'export const '),
      'faked.test.mjs': `
import { test, vi } from 'vitest'
import ${FAKED_NAMES} from 'multiprocess'
import { forever, square } from './tasks.mjs'
test('works while time stands still', async () => {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'nextTick', 'Date', 'performance', 'hrtime'] })
  ${FAKED}
}, 60000)`
    },
    commands: ['vitest run --pool=threads'],
    prints: /1 passed/
  },
  {
    name: `node:sea, a single executable`,
    packages: ['postject'],
    files: {
      'main.cjs': SINGLE,
      'sea.json': JSON.stringify({ main: 'main.cjs', output: 'sea.blob', disableExperimentalSEAWarning: true })
    },
    commands: [
      'node --experimental-sea-config sea.json',
      'cp "$(node -p process.execPath)" app',
      'postject app NODE_SEA_BLOB sea.blob --sentinel-fuse NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2 > /dev/null',
      './app'
    ],
    prints: /^(?!.*the program ran.*the program ran).*thread \[10,20\] ERR_UNSUPPORTED_PLATFORM.*MULTIPROCESS_THREADS/s,
    note: 'on threads, with a warning; the package is on disk',
    isQuick: true
  },
  ...bundler(
    'esbuild, ESM',
    ['esbuild'],
    'esbuild --bundle --platform=node --format=esm --outfile=out/main.mjs main.mjs',
    {
      external: '--external:multiprocess',
      isQuick: true
    }
  ),
  ...bundler(
    'esbuild, CommonJS',
    ['esbuild'],
    'esbuild --bundle --platform=node --format=cjs --outfile=out/main.cjs main.mjs',
    {
      external: '--external:multiprocess',
      out: 'out/main.cjs',
      isQuick: true
    }
  ),
  bundler('rollup', ['@rollup/wasm-node'], 'rollup -c rollup.config.mjs', {
    files: { 'rollup.config.mjs': ROLLUP }
  })[0],
  ...bundler('webpack', ['webpack', 'webpack-cli'], 'webpack', {
    files: { 'webpack.config.cjs': WEBPACK },
    external: '-c webpack.config.cjs',
    whole: '-c webpack.config.cjs',
    out: 'out/main.cjs'
  }).map((tool, i) => ({ ...tool, env: i === 0 ? {} : { WHOLE: '1' } })),
  ...bundler('Vite', ['vite@7'], 'vite build', { files: { 'vite.config.mjs': VITE } }).map((tool, i) => ({
    ...tool,
    env: i === 0 ? {} : { WHOLE: '1' }
  })),
  {
    name: 'Bun, threads',
    packages: [`@oven/bun-linux-${process.arch}`],
    files: { 'main.mjs': threads(main('mjs')), 'tasks.mjs': TASKS },
    commands: [`"$INSTALLED"/@oven/bun-linux-${process.arch}/bin/bun main.mjs`],
    prints: PRINTS
  },
  {
    name: 'Deno, threads',
    packages: [`@deno/linux-${process.arch}-glibc`],
    files: { 'main.mjs': threads(main('mjs')).replace('x * factor', 'x * 10'), 'tasks.mjs': TASKS },
    commands: [`"$INSTALLED"/@deno/linux-${process.arch}-glibc/deno run -A main.mjs`],
    prints: PRINTS,
    note: 'there is no inspector: functions cross without captured variables'
  },
  {
    name: 'pnpm',
    packages: ['pnpm@10'],
    manifest: { dependencies: { multiprocess: 'file:../node_modules/multiprocess' } },
    files: { 'main.mjs': main('mjs'), 'tasks.mjs': TASKS },
    commands: ['pnpm install --ignore-scripts --no-frozen-lockfile', 'node main.mjs'],
    prints: PRINTS
  },
  {
    name: 'yarn',
    packages: ['yarn@1'],
    manifest: { dependencies: { multiprocess: 'file:../node_modules/multiprocess' } },
    files: { 'main.mjs': main('mjs'), 'tasks.mjs': TASKS },
    commands: ['yarn install --ignore-scripts --no-lockfile', 'node main.mjs'],
    prints: PRINTS
  }
]
