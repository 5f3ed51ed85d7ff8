/** The programs of the recipes run. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { root, testPages } from './fixtures/pages.ts'

const names = await readdir(path.join(root, 'docs/recipes'))
await testPages(names.map(name => `docs/recipes/${name}`).sort())
