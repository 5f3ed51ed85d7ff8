// What is published: few files, since each one that a process loads costs it half a millisecond, and each byte of them has to be
// parsed. What a program does not use it does not load.
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chunks } from './rollup/chunks.js'
import { defer } from './rollup/defer.js'

function file(path) {
  const name = fileURLToPath(new URL(`dist/src/${path}.js`, import.meta.url))
  if (!existsSync(name)) throw new Error(`there is no ${name}: compile it first, or name it otherwise here`)
  return name
}
const files = (...paths) => paths.map(file)

const input = {
  index: file('index'),
  threads: file('threads'),
  'child-main': file('process/child-main'),
  'thread-main': file('process/thread-main'),
  worker: file('pool/worker'),
  'server-main': file('managers/server-main'),
  'watcher-main': file('ground/watcher-main')
}
const entries = new Set(Object.values(input))

/** What is loaded when it is first used: with the modules that each is the door to, and Node's own that take long. */
const deferred = new Set([
  ...files('ground/family', 'ground/sockets', 'ground/segment', 'ground/segment-watcher'),
  ...files('codec/encode', 'codec/decode', 'codec/sendable-error', 'codec/function-reference', 'codec/closure-write'),
  ...files('channel/ring', 'channel/ring-transport', 'channel/message', 'process/start'),
  ...files('pool/pool-core', 'pool/task-context'),
  ...files('socket/listen', 'socket/connect', 'socket/message-socket', 'connection/socket-transport'),
  ...files('memory/list-memory', 'memory/named-segment'),
  ...files(
    'managers/proxy-crossing',
    'managers/link',
    'managers/local-link',
    'managers/remote-link',
    'managers/own-link'
  ),
  ...files('managers/serving', 'managers/server', 'managers/factories'),
  ...['child_process', 'crypto', 'diagnostics_channel', 'module', 'net', 'os', 'worker_threads'].map(
    name => `node:${name}`
  )
])

/** The same for these alone; others that import it need it at once. */
const deferredBy = new Map([
  [file('codec/error-values'), files('codec/encode-value')],
  [file('codec/binary-values'), files('codec/refusals')],
  [file('channel/mailbox'), files('ground/process-table')],
  [file('connection/client'), files('socket/address')],
  [file('connection/listener'), files('socket/waiting')],
  [file('managers/base-manager'), files('managers/manager-server', 'socket/address', 'socket/options')],
  [file('memory/shareable-list'), files('memory/list-items')],
  [file('memory/shared-array'), files('ground/memory', 'ground/shared-blocks')],
  [file('memory/shared-object'), files('ground/shared-blocks')],
  [file('sync/barrier'), files('ground/word-lock')],
  [file('sync/wait-list'), files('ground/process-table')],
  [file('pool/pool'), files('pool/caller-stack', 'pool/task-kinds')],
  [file('pool/async-result'), files('pool/caller-stack')]
])
const isDeferred = (id, importer) => deferred.has(id) || (deferredBy.get(importer)?.includes(id) ?? false)

/** In this order: a file has what its modules import, unless a file before it has that. */
const groups = [
  { name: 'child', of: files('process/child-main') },
  {
    name: 'base',
    of: [input.index],
    sharedWith: files(
      'pool/worker',
      'ground/family',
      'channel/ring',
      'channel/message',
      'process/start',
      'pool/task-context',
      'codec/closure-write'
    )
  },
  { name: 'objects', of: files('codec/shared-kinds') },
  { name: 'library', of: [input.index] },
  { name: 'ground', of: files('ground/family') },
  { name: 'reading', of: files('codec/decode') },
  { name: 'writing', of: files('codec/encode') },
  { name: 'channels', of: files('channel/ring', 'channel/message', 'channel/ring-transport') },
  { name: 'tasks', of: [input.worker], sharedWith: files('pool/pool-core') },
  { name: 'tasks', of: files('pool/substitute') },
  { name: 'functions', of: files('codec/closure-write', 'codec/function-reference') },
  { name: 'start', of: files('process/start') },
  { name: 'pool', of: files('pool/pool-core') },
  {
    name: 'sockets',
    of: files(
      'connection/socket-transport',
      'socket/message-socket',
      'socket/listen',
      'socket/connect',
      'ground/sockets'
    )
  },
  {
    name: 'proxies',
    of: files(
      'managers/proxy-crossing',
      'managers/link',
      'managers/local-link',
      'managers/remote-link',
      'managers/own-link'
    )
  },
  {
    name: 'managers',
    of: files('managers/manager-server', 'managers/serving', 'managers/server', 'managers/factories')
  },
  { name: 'watcher', of: [input['watcher-main']] },
  { name: 'memory', of: files('ground/segment-watcher', 'memory/list-memory', 'memory/named-segment') }
]

/** The modules that one of `ids` imports, and theirs, and itself. */
function closureOf(ids, context, found = new Set()) {
  for (const id of ids) {
    if (found.has(id)) continue
    found.add(id)
    closureOf(context.getModuleInfo(id)?.importedIds ?? [], context, found)
  }
  return found
}

/** Entries, and what is imported only while the program runs, have files of their own. */
function chunkOf(id, context) {
  if (entries.has(id)) return undefined
  for (const group of groups) {
    group.modules ??= closureOf(group.of, context)
    if (!group.modules.has(id)) continue
    group.others ??= group.sharedWith && closureOf(group.sharedWith, context)
    if (group.others?.has(id) ?? true) return group.name
  }
  return undefined
}

/** Source maps go back to the TypeScript. */
const maps = {
  name: 'maps',
  load: async id => ({ code: await readFile(id, 'utf8'), map: JSON.parse(await readFile(`${id}.map`, 'utf8')) })
}

const dir = fileURLToPath(new URL('dist/lib', import.meta.url))
/** What a former build called otherwise is not published. */
const clean = { name: 'clean', renderStart: () => rm(dir, { recursive: true, force: true }) }

export default {
  input,
  external: /^(?:node:|@?[a-z])/,
  plugins: [clean, maps, defer(isDeferred), chunks],
  output: {
    dir,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].cjs',
    manualChunks: chunkOf,
    hoistTransitiveImports: false,
    sourcemap: true
  }
}
