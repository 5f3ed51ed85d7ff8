// The public face of each package, as one file to review: every exported name with its declaration, and the declarations that these
// name in turn. It is made of the .d.ts files that the build writes.
//   node scripts/api.js            writes packages/*/api-report.md
//   node scripts/api.js --check    ends with 1, and tells the difference, where one is not as the build says
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const DECLARATION =
  /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(class|interface|type|function|const|let|var) ([\w$]+)/
/** Parts of pools for `multiprocess-cluster`, which change without notice. */
const UNSTABLE = new Set(['multiprocess/pooling'])
const files = new Map()

/** A file's statements, imports and exports. tsc begins each statement, and no other line, with a letter in the first column. */
function read(path) {
  if (files.has(path)) return files.get(path)
  const file = { path, declarations: new Map(), imports: new Map(), exports: new Map(), stars: [] }
  files.set(path, file)
  const text = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\/\/.*$/gm, '')
  for (const statement of text.split(/^(?=[a-z])/m).map(tidy)) addStatement(file, statement)
  return file
}

/** Without what only the package's own classes use, and empty lines. */
function tidy(statement) {
  return statement
    .replaceAll(/^ +(?:private .*|protected .*|#private;)$/gm, '')
    .replaceAll(/\n\s*(?=\n)/g, '')
    .trim()
}

function addStatement(file, statement) {
  const from = /from ["'](.+)["'];$/.exec(statement)?.[1]
  const source = from?.startsWith('.') ? resolve(dirname(file.path), from).replace(/\.[jt]s$/, '.d.ts') : from
  const list = /^(import|export) (type )?\{([\s\S]*?)\}/.exec(statement)
  if (list !== null) {
    for (const [, name, alias = name] of list[3].matchAll(/(?:type )?([\w$]+)(?: as ([\w$]+))?\s*(?:,|$)/g)) {
      const names = list[1] === 'import' ? file.imports : file.exports
      names.set(alias, { source: source ?? file.path, name })
    }
  } else if (/^export (?:type )?\* from/.test(statement)) {
    file.stars.push(source)
  } else if (DECLARATION.test(statement)) {
    addDeclaration(file, statement)
  }
}

function addDeclaration(file, statement) {
  const [, kind, first] = DECLARATION.exec(statement)
  const isExported = statement.startsWith('export ')
  const parts = kind === 'const' ? splitConstants(statement) : [[first, statement]]
  for (const [name, text] of parts) {
    const former = file.declarations.get(name)
    // Overloads, and a value and a type of one name.
    file.declarations.set(name, former === undefined ? text : `${former}\n${text}`)
    if (isExported) file.exports.set(name, { source: file.path, name })
  }
}

/** `const a: A, b: B;` is two of them. */
function splitConstants(statement) {
  const begin = statement.indexOf('const ') + 6
  const parts = []
  let depth = 0
  let start = begin
  for (let i = begin; i < statement.length; i++) {
    const char = statement[i]
    if ('([{<'.includes(char)) depth++
    else if (')]}'.includes(char) || (char === '>' && statement[i - 1] !== '=')) depth--
    else if (depth === 0 && (char === ',' || char === ';')) {
      parts.push(statement.slice(start, i).trim())
      start = i + 1
    }
  }
  return parts.map(part => [/^[\w$]+/.exec(part)[0], `export declare const ${part};`])
}

/** What a file exports: name to the file and the name that it is declared by. */
function exportsOf(path) {
  const file = read(path)
  const found = new Map(file.stars.flatMap(star => [...exportsOf(star)]))
  for (const [name, { source, name: inner }] of file.exports) found.set(name, declarationOf(source, inner))
  return found
}

function declarationOf(path, name) {
  if (!path.startsWith('/')) return { path, name }
  const file = read(path)
  if (file.declarations.has(name)) return { path, name }
  const next = file.imports.get(name) ?? file.exports.get(name)
  if (next !== undefined && next.source !== path) return declarationOf(next.source, next.name)
  return exportsOf(path).get(name) ?? { path, name }
}

/** Declarations that a declaration names, in its own package. */
function* namedBy({ path, name }) {
  const file = read(path)
  for (const [word] of file.declarations.get(name).matchAll(/(?<![\w$.])[A-Z][\w$]*/g)) {
    if (word === name) continue
    const other = file.declarations.has(word) ? { path, name: word } : undefined
    const imported = file.imports.get(word)
    if (other !== undefined) yield other
    else if (imported?.source.startsWith('/')) yield declarationOf(imported.source, imported.name)
  }
}

const keyOf = ({ path, name }) => `${path}#${name}`

/** @param directory of a package that was built */
export function reportOf(directory) {
  const { name, exports } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const sections = [
    `# What \`${name}\` exports`,
    'Written by `npm run api`, and compared by the tests. Private and protected members are left out.'
  ]
  const shown = new Map()
  for (const [subpath, target] of Object.entries(exports)) {
    const types = target.types ?? target.import?.types
    if (types === undefined) continue
    const entry = join(name, subpath)
    const known = shown.get(types)
    if (known !== undefined) {
      sections.push(`## \`${entry}\``, `The same as \`${known}\`.`)
      continue
    }
    shown.set(types, entry)
    const found = [...exportsOf(resolve(directory, types))].sort(([a], [b]) => (a < b ? -1 : 1))
    sections.push(`## \`${entry}\``, ...blockOf(directory, found, shown))
  }
  return `${sections.join('\n\n')}\n`
}

function blockOf(directory, found, shown) {
  const lines = []
  const inner = []
  const queue = []
  for (const [exported, declaration] of found) {
    const text = textOf(declaration)
    if (text === undefined) {
      lines.push(`export { ${exported} } from '${declaration.path}'`)
    } else if (shown.has(keyOf(declaration))) {
      lines.push(`// ${exported}: as above`)
    } else {
      shown.set(keyOf(declaration), exported)
      lines.push(exported === declaration.name ? text : `// exported as ${exported}\n${text}`)
      queue.push(declaration)
    }
  }
  for (const declaration of queue) {
    for (const other of namedBy(declaration)) {
      if (shown.has(keyOf(other)) || textOf(other) === undefined) continue
      shown.set(keyOf(other), other.name)
      inner.push([`${relative(directory, other.path)} ${other.name}`, textOf(other)])
      queue.push(other)
    }
  }
  const blocks = [`\`\`\`ts\n${lines.join('\n')}\n\`\`\``]
  if (inner.length > 0) {
    const texts = inner.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
    blocks.push('Named by these, and not exported:', `\`\`\`ts\n${texts.join('\n')}\n\`\`\``)
  }
  return blocks
}

function textOf({ path, name }) {
  return path.startsWith('/') ? read(path).declarations.get(name) : undefined
}

/** The declarations that a package exports, and those that they extend, each once. @param directory of a package that was built */
export function publicDeclarations(directory) {
  const { name, exports } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const types = Object.entries(exports).map(([subpath, target]) =>
    UNSTABLE.has(join(name, subpath)) ? undefined : (target.types ?? target.import?.types)
  )
  const found = new Map()
  const add = declaration => {
    if (textOf(declaration) === undefined || found.has(keyOf(declaration))) return
    found.set(keyOf(declaration), { ...declaration, parents: [] })
    const parents = parentsOf(declaration)
    found.get(keyOf(declaration)).parents = parents
    for (const parent of parents) add(parent)
  }
  for (const path of types.filter(path => path !== undefined)) {
    for (const declaration of exportsOf(resolve(directory, path)).values()) add(declaration)
  }
  return [...found.values()]
}

/** The declarations whose members a class, an interface or an intersection has as well. */
function parentsOf(declaration) {
  const text = textOf(declaration)
  const heads = text
    .split('\n')
    .filter(line => /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type) /.test(line))
  const names = heads.flatMap(head => [
    ...(/\b(?:extends|implements) (.*)\{$/.exec(head)?.[1] ?? '').matchAll(/(?<![\w$.<])[A-Z][\w$]*/g),
    ...(/^(?:export )?type [^=]*= (.* & .*)$/.exec(head)?.[1] ?? '').matchAll(/(?<![\w$.<])[A-Z][\w$]*/g)
  ])
  const named = new Map([...namedBy(declaration)].map(other => [other.name, other]))
  const { imports } = read(declaration.path)
  return names.flatMap(([name]) => named.get(name) ?? fromWorkspace(imports.get(name)))
}

/** What another package of this repository declares. */
function fromWorkspace(imported) {
  const [, name, subpath] = /^([^./]+)(.*)$/.exec(imported?.source ?? '') ?? []
  const directory = packages().find(directory => directory.endsWith(`/${name}`))
  if (directory === undefined) return []
  const { exports } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const target = exports[`.${subpath}`]
  return declarationOf(resolve(directory, target.types ?? target.import.types), imported.name)
}

/** The packages that others can import. */
export function packages() {
  return readdirSync(join(root, 'packages'))
    .map(name => join(root, 'packages', name))
    .filter(directory => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).exports !== undefined)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const directory of packages()) {
    const path = join(directory, 'api-report.md')
    const report = reportOf(directory)
    if (!process.argv.includes('--check')) {
      writeFileSync(path, report)
    } else if (readFileSync(path, 'utf8') !== report) {
      console.error(`${relative(root, path)} is not what the build exports: look at what \`npm run api\` changes in it`)
      process.exitCode = 1
    }
  }
}
