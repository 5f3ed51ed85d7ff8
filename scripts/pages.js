// Bundles the pages that the packages serve: what tsc has made of their TypeScript, with uPlot, into few files beside the code that serves
// them. Nothing is loaded from elsewhere when they are shown.
//   node scripts/pages.js
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from '@rollup/wasm-node'

const root = fileURLToPath(new URL('../', import.meta.url))
const require = createRequire(path.join(root, 'packages/multiprocess/package.json'))
const uPlot = path.join(path.dirname(require.resolve('uplot')), '..', 'dist')

const home = path.join(root, 'packages/multiprocess')
const SHARED = 'multiprocess/page/'

/** uPlot, whose licence goes with it, and the modules that all pages share. */
const vendored = {
  name: 'vendored',
  resolveId(id) {
    if (id.startsWith(SHARED)) return path.join(home, 'dist/page', id.slice(SHARED.length))
    return id === 'uplot' ? path.join(uPlot, 'uPlot.esm.js') : null
  }
}

/** @param name the package @param to the folder that is served, in the package */
async function buildPage(name, folder) {
  const from = path.join(root, 'packages', name, 'page')
  const main = path.join(root, 'packages', name, 'dist/page/main.js')
  const to = path.join(root, 'packages', name, folder)
  await mkdir(to, { recursive: true })
  const bundle = await rollup({ input: main, plugins: [vendored] })
  const licence = await readFile(path.join(uPlot, '..', 'LICENSE'), 'utf8')
  await bundle.write({ file: path.join(to, 'page.js'), format: 'esm', banner: `/*! With uPlot:\n${licence}*/` })
  await bundle.close()
  const own = path.join(from, 'style.css')
  const styles = new Set([path.join(uPlot, 'uPlot.min.css'), path.join(home, 'page/style.css'), own])
  const texts = await Promise.all([...styles].map(file => readFile(file, 'utf8')))
  await writeFile(path.join(to, 'page.css'), texts.join('\n'))
  for (const name of ['index.html', 'icon.svg']) await cp(path.join(from, name), path.join(to, name))
}

await buildPage('multiprocess', 'dist/lib/page')
await buildPage('crawl', 'dist/src/ui/page')
