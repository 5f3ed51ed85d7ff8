// Runs the compiled tests of every package, and ends on a line with the counts.
//   node scripts/test.js            all tests
//   node scripts/test.js --smoke    one file a subject: for other versions of Node
//   node scripts/test.js --soak     the long ones: loops, kills, real pages
//   node scripts/test.js FILTER     those whose path in the tests' folder holds FILTER, as in conformance/queue
//   node scripts/test.js --times    ends with the files that took the longest, too
import { readdirSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { limit } from '../packages/multiprocess/dist/test/fixtures/slowness.js'
import { packTests } from './pack-tests.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
const isSoak = args.includes('--soak')
const isSmoke = args.includes('--smoke')
const filters = args.filter(arg => !arg.startsWith('--'))

await packTests()

const ending = isSoak ? '.soak.js' : isSmoke ? '.smoke.test.js' : '.test.js'
/** The codec's tests take single modules, without what the others add to them; the benchmarks' take the benchmarks. */
const isOfModules = path => /^(?:codec\/values|bench)\//.test(path.replaceAll(sep, '/'))
const folders = [
  { folder: 'scripts' },
  { folder: 'packages/multiprocess/rollup' },
  { folder: 'packages/multiprocess/dist', has: isOfModules },
  { folder: 'packages/multiprocess/dist-test', has: path => !isOfModules(path) },
  { folder: 'packages/cluster/dist' },
  { folder: 'packages/crawl/dist' },
  { folder: 'examples/dist' }
]
const files = folders.flatMap(({ folder, has = () => true }) => {
  const tests = join(root, folder, 'test')
  return readdirSync(tests, { recursive: true })
    .filter(path => path.endsWith(ending) && !path.startsWith('fixtures') && has(path))
    .filter(path => filters.length === 0 || filters.some(filter => path.replaceAll(sep, '/').includes(filter)))
    .map(path => join(tests, path))
})

const counts = { passed: 0, failed: 0, skipped: 0 }
const failures = []
const times = new Map()
const stream = run({ files, concurrency: isSoak ? 1 : 3, timeout: limit(isSoak ? 1_800_000 : 900_000) })
// A file without tests is reported as one test with the file's name.
const isTest = event => event.details?.type !== 'suite' && !files.includes(event.name)
stream.on('test:pass', event => {
  const { file, nesting, details } = event
  if (nesting === 0) times.set(file, (times.get(file) ?? 0) + details.duration_ms)
  if (!isTest(event)) return
  if (event.skip !== undefined && event.skip !== false) counts.skipped++
  else counts.passed++
})
stream.on('test:fail', event => {
  if (event.details?.type === 'suite') return
  counts.failed++
  failures.push(`${event.file ?? ''} ${event.name}`)
})
stream.on('end', () => {
  setImmediate(() => {
    for (const failure of failures) console.log(`failed: ${failure}`)
    if (args.includes('--times')) {
      const slowest = [...times].sort(([, a], [, b]) => b - a).slice(0, 40)
      for (const [file, ms] of slowest) console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${relative(root, file)}`)
    }
    console.log(`node ${process.version}, ${files.length} files`)
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
    process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0
  })
})
stream.compose(new spec()).pipe(process.stdout)
