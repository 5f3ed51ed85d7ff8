/** docs/coming-from-python.md names everything that Python's multiprocessing has, and nothing that does not exist here. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as library from '../src/index.ts'
import { limit } from './fixtures/slowness.ts'

const timeout = limit(60_000)

/** Prints the public names of each class. */
const SCRIPT = `
import json, sys, multiprocessing as m, multiprocessing.pool as p, multiprocessing.managers as g
import multiprocessing.connection as c, multiprocessing.shared_memory as s
x = m.get_context('spawn')
objects = {
  'multiprocessing': m, 'Process': m.Process, 'Pool': p.Pool, 'AsyncResult': p.AsyncResult, 'IMapIterator': p.IMapIterator,
  'Lock': x.Lock(), 'RLock': x.RLock(), 'Semaphore': x.Semaphore(), 'BoundedSemaphore': x.BoundedSemaphore(),
  'Condition': x.Condition(), 'Event': x.Event(), 'Barrier': x.Barrier(2), 'Queue': x.Queue(),
  'JoinableQueue': x.JoinableQueue(), 'SimpleQueue': x.SimpleQueue(), 'Connection': c.Connection, 'Listener': c.Listener,
  'Value': x.Value('i', 0), 'Array': x.Array('i', 1), 'SharedMemory': s.SharedMemory, 'ShareableList': s.ShareableList,
  'BaseManager': g.BaseManager, 'SyncManager': g.SyncManager, 'DictProxy': g.DictProxy, 'ListProxy': g.ListProxy,
  'ValueProxy': g.ValueProxy, 'PoolProxy': g.PoolProxy, 'AcquirerProxy': g.AcquirerProxy, 'ConditionProxy': g.ConditionProxy,
  'EventProxy': g.EventProxy, 'BarrierProxy': g.BarrierProxy, 'IteratorProxy': g.IteratorProxy,
}
print(json.dumps({'version': sys.version_info[:2], 'names': {k: [n for n in dir(o) if n[0] != '_'] for k, o in objects.items()}}))
`

/** The docs are beside the packages, whichever folder the tests are compiled to. */
function docs(): string {
  for (let folder = path.dirname(fileURLToPath(import.meta.url)); ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'docs/coming-from-python.md')
    if (existsSync(file)) return readFileSync(file, 'utf8')
    assert.notEqual(folder, path.dirname(folder), 'docs/coming-from-python.md is missing')
  }
}

type Row = Map<string, string | undefined>

/** Each class's names in Python, and what stands for them here; undefined: nothing. */
function rows(text: string): Map<string, Row> {
  const table = text.slice(text.indexOf('## Method by method'))
  const found = new Map<string, Row>()
  for (const [, name, entries] of table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)) {
    const row: Row = new Map()
    for (const [, theirs, ours, none] of entries.matchAll(/`(\w+)`(?: → (?:`(\w+)`|(none)))?/g)) {
      row.set(
        theirs,
        none === undefined ? (ours ?? theirs.replaceAll(/_(\w)/g, (_, c: string) => c.toUpperCase())) : undefined
      )
    }
    found.set(name, row)
  }
  return found
}

const python = spawnSync('python3', ['-c', SCRIPT], { encoding: 'utf8' })
const isThere = python.status === 0
const skip = isThere ? false : 'python3 with its multiprocessing is not installed here'

describe("the table of Python's names", { timeout, skip }, () => {
  const answer = isThere ? JSON.parse(python.stdout) : { version: [], names: {} }
  const names = answer.names as Record<string, string[]>
  const isKnownVersion = String(answer.version) === '3.11'
  const text = docs()
  const table = rows(text)
  let manager: Awaited<ReturnType<typeof library.Manager>>
  const objects = new Map<string, object>()

  before(async () => {
    manager = await library.Manager()
    const pool = await manager.Pool(1)
    const [connection] = library.Pipe()
    const memory = new library.SharedMemory({ create: true, size: 8 })
    memory.unlink()
    const Range = library.defineManager({ range: function* () {} })
    const ranges = new Range()
    await ranges.start()
    const iterator = await ranges.range()
    const own = new library.Pool(1)
    for (const [name, object] of Object.entries({
      Process: library.Process.prototype,
      Pool: library.Pool.prototype,
      AsyncResult: library.AsyncResult.prototype,
      IMapIterator: own.imap(String, []),
      Lock: new library.Lock(),
      RLock: new library.RLock(),
      Semaphore: new library.Semaphore(),
      BoundedSemaphore: new library.BoundedSemaphore(),
      Condition: new library.Condition(),
      Event: new library.Event(),
      Barrier: new library.Barrier(2),
      Queue: new library.Queue(),
      JoinableQueue: new library.JoinableQueue(),
      SimpleQueue: new library.SimpleQueue(),
      Connection: connection,
      Listener: library.Listener.prototype,
      Value: library.Value('i', 0),
      Array: library.Array('i', 1),
      SharedMemory: memory,
      ShareableList: library.ShareableList.prototype,
      BaseManager: Object.assign(Object.create(library.BaseManager.prototype), {
        register: library.BaseManager.register
      }),
      SyncManager: Object.assign(Object.create(library.SyncManager.prototype), {
        register: library.SyncManager.register
      }),
      DictProxy: await manager.dict(),
      ListProxy: await manager.list(),
      ValueProxy: await manager.Value('i', 0),
      PoolProxy: pool,
      AcquirerProxy: await manager.Lock(),
      ConditionProxy: await manager.Condition(),
      EventProxy: await manager.Event(),
      BarrierProxy: await manager.Barrier(2),
      IteratorProxy: iterator
    })) {
      objects.set(name, object)
    }
    await pool.terminate()
    own.terminate()
    await own.join()
    await ranges.shutdown()
  })
  after(() => manager?.shutdown())

  for (const name of Object.keys(names).filter(name => name !== 'multiprocessing')) {
    test(`${name} has a row with every name that Python has, and names that exist here`, { timeout }, () => {
      const row = table.get(name)
      assert.ok(row !== undefined, `${name} has no row`)
      const missing = names[name].filter(theirs => !row.has(theirs))
      // Another version may have more, or fewer; what it has in common with 3.11 is in the table.
      if (isKnownVersion) assert.deepEqual([...row.keys()].sort(), names[name].sort())
      else assert.ok(missing.length < names[name].length, missing.join(', '))
      const object = objects.get(name)
      assert.ok(object !== undefined, `the test makes no ${name}`)
      for (const [theirs, ours] of row) {
        if (ours !== undefined)
          assert.ok(ours in object, `${name}.${theirs} is said to be ${ours}, which does not exist`)
      }
    })
  }

  test('every name of the module multiprocessing is in the page', { timeout }, () => {
    // Modules that Python imports itself.
    const internal = new Set(['sys', 'util', 'spawn', 'queues'])
    const absent = names.multiprocessing.filter(name => !internal.has(name) && !new RegExp(`\\b${name}\\b`).test(text))
    assert.deepEqual(isKnownVersion ? absent : [], [])
  })
})
