/** The programs of the manual run; those of the recipes are in a test of their own. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { root, testPages } from './fixtures/pages.ts'

const names = await readdir(path.join(root, 'docs'), { recursive: true })
await testPages(
  names
    .filter(name => name.endsWith('.md') && !name.startsWith('recipes'))
    .map(name => `docs/${name}`)
    .sort()
)
