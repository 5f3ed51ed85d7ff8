/**
 * Which file of the bundle a module is in. `child` has what every child loads before it knows its work, `reading` what it reads that with;
 * importing the package loads `child`, `base` and `library`; every other module is in the file of its room.
 */
import path from 'node:path'

/** The rooms that children need, too: they load `base`, and not `library`. */
const BELOW = new Set(['errors', 'checks', 'ground', 'codec', 'process', 'pool/shared', 'pool/worker'])

/** Folders with a file of their own; all other folders are in the file of the folder around them. */
const APART = new Set([
  'codec/closures',
  'codec/references',
  'codec/references/loaded',
  'ground/segments',
  'managers/client',
  'managers/protocol',
  'pool/shared',
  'pool/worker',
  'telemetry/task'
])

function roomOf(src, id) {
  const name = path.relative(src, id).replaceAll(path.sep, '/')
  let folder = name.includes('/') ? path.posix.dirname(name) : path.basename(name, '.js')
  while (folder.includes('/') && !APART.has(folder)) folder = folder.slice(0, folder.lastIndexOf('/'))
  return folder
}

/** The modules that `ids` import at once, and theirs, and themselves. */
function closureOf(ids, context, found = new Set()) {
  for (const id of ids) {
    if (found.has(id)) continue
    found.add(id)
    closureOf(context.getModuleInfo(id)?.importedIds ?? [], context, found)
  }
  return found
}

/**
 * @param child the first module of a child, `face` that of a program, `reader` what a child reads its work with
 * @returns rollup's `manualChunks`, for the modules under `src`
 */
export function chunksByRoom(src, { child, face, reader, entries }) {
  const closures = new Map()
  const isOf = (id, root, context) => {
    if (!closures.has(root)) closures.set(root, closureOf([root], context))
    return closures.get(root).has(id)
  }
  return (id, context) => {
    if (entries.includes(id)) return undefined
    const room = roomOf(src, id)
    if (isOf(id, child, context)) return 'child'
    if (isOf(id, face, context)) return BELOW.has(room) ? 'base' : 'library'
    return isOf(id, reader, context) ? 'reading' : room.replaceAll('/', '-')
  }
}
