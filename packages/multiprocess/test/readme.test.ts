/** The programs of the README, and of the page on grounds, run as they stand there, and print what their comments say. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile, symlink } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Scratch } from './fixtures/process/tools.ts'

const timeout = 60_000
const root = fileURLToPath(new URL('../../../../', import.meta.url))
/** Where processes cannot be had the programs run on threads, with this warning. */
const FALLBACK = /^\(node:\d+\) \[MULTIPROCESS_THREADS\] .*\n\(Use `node --trace-warnings .*\n/
const PAGES = ['README.md', 'docs/processes-or-threads.md', 'docs/codec.md']

interface Block {
  /** Its heading, and its number under that. */
  readonly title: string
  readonly text: string
}

function blocksOf(page: string, language: string): Block[] {
  return page.split(/^(?=#+ )/m).flatMap(section => {
    const heading = /^#+ (.*)/.exec(section)?.[1] ?? ''
    const found = [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))]
    return found.map(([, text], i) => ({ title: `${heading} ${i + 1}`, text }))
  })
}

/** A comment with a file's name begins that file; a program without one is main.ts. */
function filesOf(text: string): Record<string, string> {
  const parts = text.split(/^(?=\/\/ [\w-]+\.ts$)/m)
  return Object.fromEntries(parts.map(part => [/^\/\/ ([\w-]+\.ts)$/m.exec(part)?.[1] ?? 'main.ts', part]))
}

/** What `console.log(…) // this` prints: the line is what stands there, or the first part of it. */
const expectations = (text: string) =>
  [...text.matchAll(/console\.log\(.*\)+ \/\/ (.*)$/gm)].map(([, comment]) => comment)

for (const name of PAGES) {
  const page = await readFile(path.join(root, name), 'utf8')
  // A block that is another file than main.ts belongs to the programs after it.
  const modules: Record<string, string> = {}
  for (const { title, text } of blocksOf(page, 'ts')) {
    const { 'main.ts': main, ...others } = filesOf(text)
    Object.assign(modules, others)
    if (main === undefined) continue
    const files = { ...modules, 'main.ts': main, 'package.json': '{ "type": "module" }' }
    test(`${name}: ${title}`, { timeout }, async () => {
      await using scratch = await Scratch.create(files)
      await symlink(path.join(root, 'node_modules'), scratch.file('node_modules'))
      const options = { timeout, cwd: scratch.directory }
      const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'main.ts'], options)
      assert.equal(stderr.replace(FALLBACK, ''), '')
      const lines = stdout.split('\n')
      for (const expected of expectations(main)) {
        const at = lines.findIndex(line => line !== '' && expected.startsWith(line))
        assert.ok(at >= 0, `${JSON.stringify(stdout)} should have a line as ${JSON.stringify(expected)}`)
        lines.splice(0, at + 1)
      }
    })
  }
}

test('every npm command that a page names is one', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const docs = (await readdir(path.join(root, 'docs'), { recursive: true })).filter(name => name.endsWith('.md'))
  const pages = ['README.md', ...docs.map(name => path.join('docs', name))]
  let count = 0
  for (const name of pages) {
    const page = await readFile(path.join(root, name), 'utf8')
    for (const [, script] of page.matchAll(/npm run ([\w:-]+)/g)) {
      assert.ok(script in scripts, `${name} says npm run ${script}`)
      count++
    }
  }
  assert.ok(count > 3)
  for (const script of ['start', 'test', 'smoke', 'soak']) assert.ok(script in scripts)
})
