/** The examples in the doc comments of all packages compile, run, and print what their comments say. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile, symlink } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { expectations, root } from './fixtures/pages.ts'
import { Scratch } from './fixtures/process/tools.ts'
import { limit } from './fixtures/slowness.ts'

const timeout = limit(120_000)

interface Example {
  /** Its file and line. */
  readonly place: string
  readonly text: string
}

/** An example is the rest of its doc comment, up to the next tag. */
async function examplesOf(directory: string): Promise<Example[]> {
  const found: Example[] = []
  for (const name of (await readdir(path.join(root, directory), { recursive: true })).sort()) {
    if (!name.endsWith('.ts')) continue
    const source = await readFile(path.join(root, directory, name), 'utf8')
    for (const match of source.matchAll(/^ *\* @example\n((?: *\*(?! @)(?!\/).*\n)+)/gm)) {
      const line = source.slice(0, match.index).split('\n').length
      const text = match[1].replaceAll(/^ *\* ?/gm, '')
      found.push({ place: `${directory}/${name}:${line}`, text })
    }
    assert.equal(
      source.split(' @example').length - 1,
      found.filter(({ place }) => place.includes(`/${name}:`)).length,
      name
    )
  }
  return found
}

const examples = (
  await Promise.all(['multiprocess', 'cluster', 'crawl'].map(name => examplesOf(`packages/${name}/src`)))
).flat()

/** Examples that need a Redis server or a site are only compiled. */
const runs = ({ text }: Example) => !/redis:\/\/|https:\/\//.test(text)

/** Runs one example after the other, and writes what each printed to a file: what their children print is not in it. */
const RUNNER = `
import { writeFileSync } from 'node:fs'
import { format } from 'node:util'
const printed: Record<string, string[]> = {}
for (const name of process.argv.slice(2)) {
  const lines: string[] = (printed[name] = [])
  console.log = (...values) => void lines.push(format(...values))
  await import('./' + name)
}
writeFileSync('printed.json', JSON.stringify(printed))
`

const CONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    module: 'nodenext',
    moduleDetection: 'force',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true
  },
  include: ['example-*.ts']
}

async function withExamples(use: (scratch: Scratch) => Promise<void>): Promise<void> {
  const files = Object.fromEntries(examples.map(({ text }, i) => [`example-${i}.ts`, text]))
  await using scratch = await Scratch.create({
    ...files,
    'runner.ts': RUNNER,
    'tsconfig.json': JSON.stringify(CONFIG),
    'package.json': '{ "type": "module" }'
  })
  await symlink(path.join(root, 'node_modules'), scratch.file('node_modules'))
  await use(scratch)
}

test('the examples of doc comments compile', { timeout }, async () => {
  assert.ok(examples.length > 30, `found ${examples.length} examples`)
  await withExamples(async scratch => {
    const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
    const options = { cwd: scratch.directory, timeout }
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', '.'], options).catch(error => error)
    const named = stdout.replaceAll(/example-(\d+)\.ts/g, (_: string, i: string) => examples[Number(i)].place)
    assert.equal(named, '')
  })
})

test('the examples of doc comments run, and print what their comments say', { timeout }, async () => {
  await withExamples(async scratch => {
    const names = examples.flatMap((example, i) => (runs(example) ? [`example-${i}.ts`] : []))
    const args = ['--import', 'tsx', 'runner.ts', ...names]
    await promisify(execFile)(process.execPath, args, { cwd: scratch.directory, timeout })
    const printed = JSON.parse(await scratch.read('printed.json')) as Record<string, string[]>
    for (const [i, example] of examples.entries()) {
      if (!runs(example)) continue
      const lines = printed[`example-${i}.ts`].join('\n').split('\n')
      for (const expected of expectations(example.text)) {
        const at = lines.findIndex(line => line !== '' && expected.startsWith(line))
        assert.ok(
          at >= 0,
          `${example.place} should print ${JSON.stringify(expected)}, printed ${JSON.stringify(lines)}`
        )
        lines.splice(0, at + 1)
      }
    }
  })
})
