// The tests of `multiprocess` import its modules one by one, and each of their many processes would load all 240 files. They run in a
// copy, `dist-test`, in which those modules stand in the same few files as in what is published, and are passed on by their old names.
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from '@rollup/wasm-node'
import published from '../packages/multiprocess/rollup.config.js'

const home = fileURLToPath(new URL('../packages/multiprocess/', import.meta.url))
const from = join(home, 'dist')
const to = join(home, 'dist-test')
const stamp = join(to, '.stamp')

const PREFIX = '\0all of '

/** An entry is a file of its own, and none of the modules is one. */
const passOn = {
  name: 'pass-on',
  resolveId: id => (id.startsWith(PREFIX) ? id : null),
  load(id) {
    if (!id.startsWith(PREFIX)) return null
    const module = JSON.stringify(id.slice(PREFIX.length))
    return { code: `export * from ${module}`, map: null }
  }
}

/** What is imported only while the program runs stands beside who does it there too. */
const entries = new Set(Object.values(published.input))
function chunkOf(id, context) {
  if (id.startsWith(PREFIX) || entries.has(id)) return undefined
  return published.output.manualChunks(id, context) ?? basename(id, '.js')
}

function filesUnder(directory) {
  return readdirSync(directory, { recursive: true })
    .map(name => join(directory, name))
    .filter(file => /\.[cm]?js$/.test(file))
}

function isFresh() {
  if (!existsSync(stamp)) return false
  const packed = statSync(stamp).mtimeMs
  const how = [join(home, 'rollup.config.js'), ...filesUnder(join(home, 'rollup')), fileURLToPath(import.meta.url)]
  const what = [join(from, 'src'), join(from, 'test')].flatMap(filesUnder)
  return [...how, ...what].every(file => statSync(file).mtimeMs < packed)
}

/** Makes `dist-test` from `dist`, unless it is newer. */
export async function packTests() {
  if (isFresh()) return
  rmSync(to, { recursive: true, force: true })
  const src = join(from, 'src')
  const input = Object.fromEntries(Object.entries(published.input).map(([name, file]) => [`packed/${name}`, file]))
  for (const file of filesUnder(src)) input[file.slice(src.length + 1, -3)] = PREFIX + file
  const bundle = await rollup({
    ...published,
    input,
    plugins: [passOn, ...published.plugins.filter(({ name }) => name !== 'clean')],
    logLevel: 'silent'
  })
  await bundle.write({
    ...published.output,
    dir: join(to, 'src'),
    chunkFileNames: 'packed/[name].cjs',
    manualChunks: chunkOf
  })
  await bundle.close()
  cpSync(join(from, 'lib/page'), join(to, 'src/packed/page'), { recursive: true })
  cpSync(join(from, 'test'), join(to, 'test'), { recursive: true })
  writeFileSync(stamp, '')
}
