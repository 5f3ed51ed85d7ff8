// Puts the manual into the package multiprocess, as Markdown: docs/ of the repository becomes docs/ of the package. `npm run build` runs it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'docs')
const target = join(root, 'packages/multiprocess/docs')

/** A link to what the package does not have becomes its text. */
export function mendLinks(text, page) {
  return text.replaceAll(/\[([^\][]*)\]\(([^)\s]+)\)/g, (link, label, href) => {
    if (/^(?:[a-z]+:|#)/.test(href)) return link
    const path = posix.join('docs', posix.dirname(page), href.split('#')[0])
    const isThere = path.startsWith('docs/') ? existsSync(join(root, path)) : path === 'README.md'
    return isThere ? link : label
  })
}

function copy() {
  rmSync(target, { recursive: true, force: true })
  for (const name of readdirSync(source, { recursive: true })) {
    if (!/\.(?:md|svg|png)$/.test(name)) continue
    mkdirSync(join(target, dirname(name)), { recursive: true })
    const content = readFileSync(join(source, name))
    writeFileSync(join(target, name), name.endsWith('.md') ? mendLinks(content.toString(), name) : content)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copy()
