/** The programs of the README run, and the npm commands that any page names exist. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { root, testPages } from './fixtures/pages.ts'

await testPages(['README.md'])

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
