// Checks the order of the house in every package: which folder may import which, circles of imports, sizes of files and folders, and names
// that two files export. `npm run lint` calls it. It reads the sources as text; Biome has put each import in one form.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

/** A file imports from its own folder and from those before it. A folder without a line of its own has the place of the one around it. */
const ORDER = {
  multiprocess: `
    errors checks
    ground/os ground/arena ground/waiting ground/members ground ground/segments
    memory sync
    codec/bytes codec/values codec/references codec/closures codec
    channel crossing
    process
    observe
    pool/shared pool/telling telemetry/task telemetry pool pool/worker
    socket connection
    managers/protocol managers/client managers/objects managers/server managers
    entries
    top
    live
    common contexts threads index encoding pooling dashboard otel compiled`,
  cluster: `
    wire redis pool worker frontier index main`
}

const MOST_FILES = 20
const MOST_LINES = 400
/** A test's file is a list, and is read from its titles. */
const MOST_LINES_OF_TESTS = 600

const STATEMENT = /^(import|export) (type )?(?:([^'"]*?) from )?'(\.[^']+)'/gm
const DYNAMIC = /\bimport\('(\.[^']+)'\)/g
const EXPORTED = /^export (?:declare )?(?:abstract )?(?:class|interface|type|enum) ([\w$]+)/gm

const filesUnder = directory =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.[cm]?ts$/.test(entry.name))
    .map(entry => path.relative(directory, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort()

/** True for `import { type A, type B }`, which leaves nothing to import at run time. */
function isOfTypesAlone(names) {
  const list = /^\{(.*)\}$/s.exec(names?.trim() ?? '')?.[1]
  return list?.split(',').every(name => name.trim() === '' || name.trim().startsWith('type ')) ?? false
}

/** The files that `file` imports at run time: at once, lazily, by `import()`, or for their side effects. */
export function importsOf(file, text) {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const found = []
  for (const [, , type, names, source] of code.matchAll(STATEMENT)) {
    if (type === undefined && !isOfTypesAlone(names)) found.push(source)
  }
  for (const [, source] of code.matchAll(DYNAMIC)) found.push(source)
  return found.map(source => path.posix.join(path.posix.dirname(file), source))
}

/** The shortest circle through each file that is in one, and each circle once. */
export function circlesOf(graph) {
  const circles = []
  const known = new Set()
  for (const start of graph.keys()) {
    const from = new Map([[start, undefined]])
    const queue = [start]
    for (const file of queue) {
      for (const next of graph.get(file) ?? []) {
        if (next === start) {
          const circle = []
          for (let at = file; at !== undefined; at = from.get(at)) circle.unshift(at)
          if (!circle.some(one => known.has(one))) circles.push([...circle, start])
          for (const one of circle) known.add(one)
          queue.length = 0
          break
        }
        if (from.has(next) || !graph.has(next)) continue
        from.set(next, file)
        queue.push(next)
      }
    }
  }
  return circles
}

/** Where a file stands in the order; undefined if it has no place. */
export function placeOf(file, order) {
  let room = file.replace(/\.ts$/, '')
  while (!order.includes(room) && room.includes('/')) room = path.posix.dirname(room)
  const place = order.indexOf(room)
  return place < 0 ? undefined : place
}

/** @returns what is wrong with the sources of a package, a sentence each */
export function faultsOf(sources, order) {
  const faults = []
  const graph = new Map(
    [...sources].map(([file, text]) => [file, importsOf(file, text).filter(one => sources.has(one))])
  )
  for (const circle of circlesOf(graph)) faults.push(`these files import each other: ${circle.join(' -> ')}`)
  if (order !== undefined) {
    for (const [file, imported] of graph) {
      const place = placeOf(file, order)
      if (place === undefined) faults.push(`${file} is in no room of the order in scripts/house.js`)
      for (const other of imported) {
        if (placeOf(other, order) > place) faults.push(`${file} imports ${other}, which comes after it in the order`)
      }
    }
  }
  faults.push(...sizesOf(sources, MOST_LINES))
  const names = new Map()
  for (const [file, text] of sources) {
    // The faces bind the classes of the rooms to a start method, under the same names.
    if (!file.includes('/')) continue
    for (const name of new Set([...text.matchAll(EXPORTED)].map(([, name]) => name))) {
      if (names.has(name)) faults.push(`${file} and ${names.get(name)} both export a type or class ${name}`)
      names.set(name, names.get(name) ?? file)
    }
  }
  return faults
}

function sizesOf(sources, mostLines) {
  const faults = []
  const folders = new Map()
  for (const [file, text] of sources) {
    const lines = text.split('\n').length - 1
    if (lines > mostLines) faults.push(`${file} has ${lines} lines, ${mostLines} at most`)
    const folder = path.posix.dirname(file)
    folders.set(folder, (folders.get(folder) ?? 0) + 1)
  }
  for (const [folder, count] of folders) {
    if (count > MOST_FILES) faults.push(`${folder} has ${count} files, ${MOST_FILES} at most`)
  }
  return faults
}

const sourcesOf = directory =>
  new Map(filesUnder(directory).map(file => [file, readFileSync(path.join(directory, file), 'utf8')]))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = []
  for (const name of readdirSync(path.join(root, 'packages'))) {
    const order = ORDER[name]?.trim().split(/\s+/)
    const src = path.join(root, 'packages', name, 'src')
    const test = path.join(root, 'packages', name, 'test')
    for (const fault of faultsOf(sourcesOf(src), order)) faults.push(`${name}/src: ${fault}`)
    if (!existsSync(test)) continue
    for (const fault of sizesOf(sourcesOf(test), MOST_LINES_OF_TESTS)) faults.push(`${name}/test: ${fault}`)
  }
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}
