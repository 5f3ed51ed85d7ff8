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

/** Its licence goes with it. */
const vendored = {
  name: 'vendored',
  resolveId: id => (id === 'uplot' ? path.join(uPlot, 'uPlot.esm.js') : null)
}

/** @param to the folder that is served */
async function buildPage(from, main, to) {
  const bundle = await rollup({ input: main, plugins: [vendored] })
  const licence = await readFile(path.join(uPlot, '..', 'LICENSE'), 'utf8')
  await bundle.write({ file: path.join(to, 'page.js'), format: 'esm', banner: `/*! With uPlot:\n${licence}*/` })
  await bundle.close()
  const styles = [path.join(root, 'packages/multiprocess/page/style.css'), path.join(uPlot, 'uPlot.min.css')]
  const texts = await Promise.all(styles.map(file => readFile(file, 'utf8')))
  await writeFile(path.join(to, 'page.css'), texts.reverse().join('\n'))
  for (const name of ['index.html', 'icon.svg']) await cp(path.join(from, name), path.join(to, name))
}

const home = path.join(root, 'packages/multiprocess')
const to = path.join(home, 'dist/lib/page')
await mkdir(to, { recursive: true })
await buildPage(path.join(home, 'page'), path.join(home, 'dist/page/main.js'), to)
