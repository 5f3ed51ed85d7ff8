/** Every link from one page to another leads somewhere, and the manual's index has every page. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { root } from './fixtures/pages.ts'

const timeout = 60_000
const docs = (await readdir(path.join(root, 'docs'), { recursive: true }))
  .filter(name => name.endsWith('.md'))
  .map(name => `docs/${name}`)
const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'examples/README.md', ...docs]

const read = (page: string) => readFile(path.join(root, page), 'utf8')

/** The text without code, in which brackets are not links. */
const prose = (text: string) => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '`')

function linksOf(text: string): string[] {
  const targets = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
  return targets.filter(target => !/^[a-z]+:/.test(target))
}

/** The anchors of a page's headings, as GitHub and VitePress make them. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-')
  return new Set([...headings].map(([, heading]) => slug(heading)))
}

for (const page of PAGES) {
  test(`every link of ${page} leads to a file, and to a heading of it`, { timeout }, async () => {
    for (const link of linksOf(await read(page))) {
      const [file, anchor] = link.split('#')
      const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file)
      assert.ok(existsSync(path.join(root, target)), `${link} leads to no file`)
      if (anchor !== undefined) assert.ok(anchorsOf(await read(target)).has(anchor), `${link} leads to no heading`)
    }
  })
}

test('every page of docs can be reached from the index of the manual', { timeout }, async () => {
  const reached = new Set(['docs/README.md'])
  for (const page of reached) {
    const links = linksOf(await read(page)).map(link => path.posix.join(path.posix.dirname(page), link.split('#')[0]))
    for (const link of links) if (docs.includes(link)) reached.add(link)
  }
  assert.deepEqual(
    docs.filter(page => !reached.has(page)),
    []
  )
})
