// What is published: few files, since each one that a process loads costs it half a millisecond, and each byte of them has to be
// parsed. A program loads only what it uses.
import { existsSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { chunks } from './rollup/chunks.js'
import { defer } from './rollup/defer.js'
import { entryUrls } from './rollup/entry-urls.js'
import { chunksByRoom } from './rollup/rooms.js'

const src = fileURLToPath(new URL('dist/src', import.meta.url))

function file(name) {
  const found = path.join(src, `${name}.js`)
  if (!existsSync(found))
    throw new Error(`cannot bundle ${found}: it does not exist; compile it first, or mend its name here`)
  return found
}

const input = {
  index: file('index'),
  threads: file('threads'),
  encoding: file('encoding'),
  pooling: file('pooling'),
  otel: file('otel'),
  dashboard: file('dashboard'),
  'child-main': file('entries/child-main'),
  'thread-main': file('entries/thread-main'),
  'server-main': file('managers/server-main'),
  'watcher-main': file('ground/segments/watcher-main'),
  top: file('top/main'),
  compiled: file('compiled')
}

/** Those that Node loads as CommonJS: a child that needs no ES module does without Node's loader of them, which takes 8 ms. */
const COMMON_JS = new Set(['child-main', 'thread-main', 'compiled'])
const fileOf = name => `${name}.${COMMON_JS.has(name.replace(/^.*\//, '')) ? 'cjs' : 'js'}`
const roles = { 'child-main.cjs': 'child', 'thread-main.cjs': 'thread' }

/** Source maps lead back to the TypeScript. */
const maps = {
  name: 'maps',
  load: async id => ({ code: await readFile(id, 'utf8'), map: JSON.parse(await readFile(`${id}.map`, 'utf8')) })
}

const dir = fileURLToPath(new URL('dist/lib', import.meta.url))
/** Files that an older build left behind are not published. */
const clean = { name: 'clean', renderStart: () => rm(dir, { recursive: true, force: true }) }

/** The same declarations where `require` finds them: TypeScript takes them for CommonJS by the package.json beside them. */
const typesForCommonJs = {
  name: 'types-for-commonjs',
  async writeBundle({ dir: to }) {
    if (to !== dir) return
    const cts = fileURLToPath(new URL('dist/cts', import.meta.url))
    await rm(cts, { recursive: true, force: true })
    await cp(src, cts, { recursive: true, filter: name => !/\.[cm]?js(?:\.map)?$/.test(name) })
    await writeFile(path.join(cts, 'package.json'), '{ "type": "commonjs" }\n')
  }
}

export default {
  input,
  external: /^(?:node:|@?[a-z])/,
  plugins: [
    clean,
    maps,
    entryUrls(input, fileOf),
    defer,
    chunks(
      [input.index, input.threads, input.encoding, input.pooling, input.otel, input.dashboard],
      input.compiled,
      roles
    ),
    typesForCommonJs
  ],
  output: {
    dir,
    format: 'esm',
    entryFileNames: ({ name }) => fileOf(name),
    chunkFileNames: '[name].cjs',
    manualChunks: chunksByRoom(src, {
      child: input['child-main'],
      face: input.index,
      reader: file('codec/decode'),
      entries: Object.values(input)
    }),
    hoistTransitiveImports: false,
    sourcemap: true
  }
}
