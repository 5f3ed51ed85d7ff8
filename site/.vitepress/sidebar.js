// The order of the pages: the order of docs/README.md, whose headings and lists it is read from.
import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

const page = readFileSync(new URL('../../docs/README.md', import.meta.url), 'utf8')

function linkOf(target) {
  const path = posix
    .join('/docs', target)
    .replace(/README\.md$/, '')
    .replace(/\.md$/, '')
  return path
}

export const sidebar = page
  .split(/^## /m)
  .slice(1)
  .map(section => ({
    text: section.split('\n', 1)[0],
    collapsed: false,
    items: [...section.matchAll(/^(?:- |\| )\[(.+?)\]\((.+?\.md)(?:#[\w-]+)?\)/gm)]
      .filter(([, , target]) => existsSync(new URL(target, new URL('../../docs/', import.meta.url))))
      .map(([, text, target]) => ({ text, link: linkOf(target) }))
  }))
  .filter(({ items }) => items.length > 0)
  .concat({
    text: 'Reference',
    items: [{ text: 'Every name, from the source', link: '/reference/' }]
  })
