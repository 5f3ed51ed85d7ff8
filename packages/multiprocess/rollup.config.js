// What is published: few files, since each one that a process loads costs it half a millisecond. What every child process
// needs is one of them, what a pool's worker needs besides another, named shared memory and its watcher two, and the rest one.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'acorn'

const file = path => fileURLToPath(new URL(`dist/src/${path}`, import.meta.url))
const input = {
  index: file('index.js'),
  threads: file('threads.js'),
  'child-main': file('process/child-main.js'),
  'thread-main': file('process/thread-main.js'),
  worker: file('pool/worker.js'),
  'server-main': file('managers/server-main.js'),
  'watcher-main': file('ground/watcher-main.js')
}
const entries = new Set(Object.values(input))
const groups = [
  { name: 'child', entry: input['child-main'] },
  { name: 'member', entry: input.worker },
  { name: 'watcher', entry: input['watcher-main'] },
  { name: 'memory', entry: file('codec/memory-kinds.js') },
  { name: 'proxies', entry: file('managers/proxy-kind.js') },
  { name: 'managers', entry: input['server-main'] },
  { name: 'library', entry: input.index }
]

/** The modules that `id` imports, and theirs, and itself. */
function addModules(found, id, context) {
  if (found.has(id)) return found
  found.add(id)
  for (const imported of context.getModuleInfo(id)?.importedIds ?? []) addModules(found, imported, context)
  return found
}

/** Entries, and what is imported only while the program runs, have files of their own. */
function chunkOf(id, context) {
  if (entries.has(id)) return undefined
  for (const group of groups) {
    group.modules ??= addModules(new Set(), group.entry, context)
    if (group.modules.has(id)) return group.name
  }
  return undefined
}

/** Source maps go back to the TypeScript. */
const maps = {
  name: 'maps',
  load: async id => ({ code: await readFile(id, 'utf8'), map: JSON.parse(await readFile(`${id}.map`, 'utf8')) })
}

/**
 * An import statement reads every export of Node's own module, and so runs each lazy getter: 2 ms for `node:fs` alone.
 * Asking for the module itself does not.
 */
const builtins = {
  name: 'builtins',
  renderChunk: code => ({
    code: code.replaceAll(/^import (?:(\w+)(?:, )?)?(\{.*\})? ?from '(node:\w+)';$/gm, (_, name, names, id) => {
      const parts = [name, names?.replaceAll(' as ', ': ')].filter(part => part !== undefined)
      return parts.map(part => `const ${part} = process.getBuiltinModule('${id}');`).join(' ')
    }),
    map: null
  })
}

/**
 * A program that has imported the package keeps its text, at two bytes a character where one of them is not of Latin-1. So comments
 * go, and such characters, which stand in strings only, are escaped. Lines stay where they are.
 */
const lean = {
  name: 'lean',
  renderChunk: code => {
    const comments = []
    parse(code, { ecmaVersion: 'latest', sourceType: 'module', onComment: comments })
    let kept = ''
    let at = 0
    for (const { start, end } of comments) {
      kept += code.slice(at, start) + code.slice(start, end).replaceAll(/[^\n]+/g, '')
      at = end
    }
    kept += code.slice(at)
    const escaped = kept.replaceAll(/[^\0-\xff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    return { code: escaped.replaceAll(/[ \t]+$/gm, ''), map: null }
  }
}

export default {
  input,
  external: /^(?:node:|@?[a-z])/,
  plugins: [maps, builtins, lean],
  output: {
    dir: fileURLToPath(new URL('dist/lib', import.meta.url)),
    format: 'esm',
    chunkFileNames: '[name].js',
    manualChunks: chunkOf,
    hoistTransitiveImports: false,
    sourcemap: true
  }
}
