/**
 * How the files of the bundle load each other. Those that a program or Node imports are ES modules; all others are CommonJS, which
 * can be loaded at any moment without waiting. `rollup` writes one import, and one export, a line. The faces are there as CommonJS, too:
 * `require` and `import` get the same classes, since both forms load the same other files.
 *
 * rollup's own CommonJS reads each import through an object at every use, and `require()` of ES modules warns on Node 20.
 */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { parse } from 'acorn'
import { walk } from 'estree-walker'
import MagicString from 'magic-string'
import { filesBeside, requireBeside } from './outside.js'

const IMPORT = /^import (?:([\w$]+)(?:, )?)?(?:\{(.*)\})? ?from '([^.].*|.+\.cjs)';$/gm
const SIDE_EFFECT = /^import '([^.].*|.+\.cjs)';$/gm
const REEXPORT = /^export \{(.*)\} from '(.+\.cjs)';$/gm
const EXPORT = /^export \{(.*)\};$/gm
/** What `defer` asks for at once: of the same file, a part of another, and the whole of another. */
const HERE_NOW = /\$now\(Promise\.resolve\(\)\.then\(function \(\) \{ return ([\w$]+); \}\)\)/g
const PART_NOW = /\$now\(import\('(\.[\w./-]+\.cjs)'\)\.then\(function \(n\) \{ return n\.([\w$]+); \}\)\)/g
const NOW = /\$now\(import\('(\.[\w./-]+\.cjs)'\)\)/g
/** Another file of the bundle. */
const LOCAL = / from '\.\/(.+\.cjs)';$/m
const LOADED = /import\('(\.[\w./-]+\.cjs)'\)/g
/** Where the hash of the bundle is written. */
const BUILD = "'$build'"

/**
 * @param faces the modules that programs import
 * @param cache the module that the files are loaded with; undefined: Node's `require` loads them
 * @param roles of what starts with an entry, by the entry's file name; 'program' for all others
 */
export const chunks = (faces, cache, roles = {}) => ({
  name: 'chunks',
  resolveImportMeta: (property, { chunkId }) => (chunkId.endsWith('.cjs') && property === 'url' ? 'ownUrl()' : null),
  renderChunk(code, { fileName, facadeModuleId, isEntry }, _, { chunks }) {
    const plain = withoutComments(code)
    if (facadeModuleId === cache && cache !== undefined) return { code: asCommonJs(plain, fileName, this), map: null }
    const cacheFile = Object.values(chunks).find(chunk => chunk.facadeModuleId === cache)?.fileName
    const role = roles[path.posix.basename(fileName)] ?? 'program'
    const through = cacheFile && cachedAs(fileName, cacheFile, role)
    if (!isEntry) return { code: withImports(asCommonJs(plain, fileName, this)), map: null }
    if (fileName.endsWith('.cjs')) return { code: asCommonJs(plain, fileName, this, through?.commonJs), map: null }
    if (faces.includes(facadeModuleId)) {
      const beside = plain.match(LOCAL)?.[1] ?? this.error(`${fileName} loads no other file of the bundle`)
      const source = asCommonJs(plain, fileName, this, filesBeside(beside) + (through?.commonJs ?? ''))
      this.emitFile({ type: 'asset', fileName: fileName.replace(/\.js$/, '.cjs'), source })
      return { code: `${requireBeside(beside, through?.module)}${withLoads(plain, true)}`, map: null }
    }
    const body = withLoads(plain, true)
    if (body.includes('$now(')) this.error(`${fileName} would wait for what is deferred`)
    return { code: usesRequire(body) ? `${requireOf(through?.module)}${body}` : body, map: null }
  },
  generateBundle(_, bundle) {
    const files = Object.values(bundle).filter(({ type }) => type === 'chunk')
    const hash = createHash('sha256')
    for (const { fileName, code } of files) hash.update(`${fileName}\n${code}`)
    const build = hash.digest('hex').slice(0, 16)
    for (const file of files) file.code = file.code.replace(BUILD, `'${build}'`)
    const circle = circleIn(bundle)
    if (circle !== undefined) this.error(`files of the bundle load each other: ${circle.join(' -> ')}`)
  }
})

function asCommonJs(code, fileName, context, before = '') {
  const body = withLoads(code, false).replaceAll(
    EXPORT,
    (_, names) => `Object.assign(exports, { ${exported(names)} });`
  )
  if (body.includes('$now(')) context.error(`${fileName} would wait for what is deferred`)
  if (/^(?:import|export) /m.test(body)) context.error(`${fileName} still has an import or an export`)
  return `'use strict'; ${before}${body.includes('ownUrl()') ? OWN_URL : ''}${body}`
}

/** Imports become loads; those of an ES module's exports stay exports. */
function withLoads(code, isModule) {
  return code
    .replaceAll(IMPORT, (_, name, names, id) => {
      const parts = [name, names && `{ ${renamed(names)} }`].filter(part => part !== undefined)
      return parts.map(part => `const ${part} = ${load(id)};`).join(' ')
    })
    .replaceAll(SIDE_EFFECT, (_, id) => (id.startsWith('.') ? `${load(id)};` : ''))
    .replaceAll(HERE_NOW, '$1')
    .replaceAll(PART_NOW, "require('$1').$2")
    .replaceAll(NOW, "require('$1')")
    .replaceAll(LOADED, "Promise.resolve().then(() => require('$1'))")
    .replaceAll(REEXPORT, (_, names, id) => reexport(names, id, isModule))
}

/** A circle of files that load each other at once; undefined where there is none. */
function circleIn(bundle, path = [], done = new Set(), names = Object.keys(bundle)) {
  for (const name of names) {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name]
    if (done.has(name) || bundle[name]?.type !== 'chunk') continue
    const found = circleIn(bundle, [...path, name], done, bundle[name].imports)
    if (found !== undefined) return found
    done.add(name)
  }
  return undefined
}

/** How a file gets its `require` from the cache: `plain` is Node's. */
function cachedAs(fileName, cacheFile, role) {
  const relative = path.posix.relative(path.posix.dirname(fileName), cacheFile)
  const id = relative.startsWith('.') ? relative : `./${relative}`
  const of = (plain, directory) => `${plain}('${id}').cached(${plain}, ${directory}, '${role}')`
  return {
    commonJs: `require = ${of('require', '__dirname')}; `,
    module: plain => of(plain, "process.getBuiltinModule('node:url').fileURLToPath(new URL('.', import.meta.url))")
  }
}

/** @param wrap gives what `require` is, of Node's own */
const requireOf = (wrap = plain => plain) =>
  "import { createRequire } from 'node:module'; const $require = createRequire(import.meta.url); " +
  `const require = ${wrap('$require')}; `

/** What the cache compiles cannot import by itself: `require` brings who can. */
function withImports(code) {
  const text = new MagicString(code)
  walk(parse(code, { ecmaVersion: 'latest', sourceType: 'script' }), {
    enter(node) {
      if (node.type === 'ImportExpression') text.overwrite(node.start, node.start + 'import'.length, '$import')
    }
  })
  return text.hasChanged() ? text.toString().replace("'use strict'; ", `$&${IMPORT_FUNCTION}`) : code
}

const IMPORT_FUNCTION = 'const $import = require.import ?? (s => import(s)); '
const OWN_URL =
  "let $url; const ownUrl = () => ($url ??= process.getBuiltinModule('node:url').pathToFileURL(__filename).href); "

/** What V8 would have to read past; each line stays where it is. It reads ASCII fastest. */
function withoutComments(code) {
  const ends = []
  parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    onComment: (_isBlock, _text, start, end) => ends.push([start, end])
  })
  let text = ''
  let at = 0
  for (const [start, end] of ends) {
    text += code.slice(at, start) + '\n'.repeat(code.slice(start, end).split('\n').length - 1)
    at = end
  }
  text += code.slice(at)
  return text.replaceAll(/[^\0-\x7f]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const usesRequire = code => /\brequire\('/.test(code)

/**
 * An import statement of Node's own module reads all of its exports, and so runs each lazy getter: 2 ms for `node:fs` alone. Asking
 * for the module itself does not.
 */
const load = id => (id.startsWith('node:') ? `process.getBuiltinModule('${id}')` : `require('${id}')`)

const pairs = names => names.split(',').map(part => part.trim().split(/ as (?=\S+$)/))

/** As a pattern that takes the names apart, and as an object of them. */
const renamed = names =>
  pairs(names)
    .map(([inner, outer = inner]) => `${inner}: ${outer}`)
    .join(', ')
const exported = names =>
  pairs(names)
    .map(([inner, outer = inner]) => `${outer}: ${inner}`)
    .join(', ')

function reexport(names, id, isModule) {
  const list = pairs(names)
  if (!isModule) return list.map(([inner, outer = inner]) => `exports.${outer} = ${load(id)}.${inner};`).join(' ')
  return `const { ${renamed(names)} } = ${load(id)}; export { ${list.map(([inner, outer = inner]) => outer).join(', ')} };`
}
