import assert from 'node:assert/strict'
import type { Pool } from '../../src/index.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, range, reports, Scratch, until } from '../fixtures/pool/tools.ts'

conform('Pool.map', ({ face, behaviour, pool: shared, blocks }) => {
  const { Pool } = face

  behaviour('map() returns the results in the order of the items', async () => {
    const pool = shared(2)
    const items = range(5000)
    const squares = items.map(tasks.square)
    assert.deepEqual(await pool.map(tasks.square, items), squares)
    assert.deepEqual(await pool.map(tasks.identityLater<number>, items), items)
    // The first are the slowest.
    const delays = range(20).map(n => 20 - n)
    assert.deepEqual(await pool.map(tasks.block, delays, 1), delays)
  })

  behaviour('map() of no items returns no results', async () => {
    const pool = shared(1)
    assert.deepEqual(await pool.map(tasks.square, []), [])
    assert.deepEqual(await pool.map(tasks.square, new Set<number>()), [])
    assert.deepEqual(await pool.map(tasks.square, (async function* () {})() as AsyncGenerator<number>), [])
  })

  behaviour('map() runs one item, as many items as workers, and one more', async () => {
    const pool = shared(2)
    for (const count of [1, 2, 3, 7, 8, 9]) {
      assert.deepEqual(await pool.map(tasks.square, range(count)), range(count).map(tasks.square))
    }
  })

  behaviour('map() takes items from anything that can be iterated', async () => {
    const pool = shared(2)
    assert.deepEqual(await pool.map(tasks.square, new Set([1, 2, 3])), [1, 4, 9])
    assert.deepEqual(await pool.map(tasks.square, new Uint8Array([1, 2, 3])), [1, 4, 9])
    assert.deepEqual(await pool.map(tasks.identity<string>, 'añ😀'), ['a', 'ñ', '😀'])
    assert.deepEqual(await pool.map(tasks.square, range(3).values()), [0, 1, 4])
    const entries = new Map([['a', 1]])
    assert.deepEqual(await pool.map(tasks.identity<[string, number]>, entries), [['a', 1]])
    const generate = async function* () {
      for (const n of range(100)) yield n
    }
    assert.deepEqual(await pool.map(tasks.square, generate()), range(100).map(tasks.square))
  })

  behaviour('map() passes the item without its index', async () => {
    const pool = shared(1)
    assert.deepEqual(await pool.map(tasks.list, ['a', 'b', 'c'], 3), [['a'], ['b'], ['c']])
    assert.deepEqual(await pool.map(parseInt, ['10', '10', '10']), [10, 10, 10])
  })

  behaviour('map() passes holes in an array as items', async () => {
    const pool = shared(1)
    // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested.
    assert.deepEqual(await pool.map(tasks.identity<number | undefined>, [1, , 3], 1), [1, undefined, 3])
  })

  behaviour('map() runs functions that return undefined, and promises of other libraries', async () => {
    const pool = shared(2)
    assert.deepEqual(await pool.map(tasks.nothing, [1, 2, 3]), [undefined, undefined, undefined])
    assert.deepEqual(await pool.map(tasks.nothingLater, [1, 2, 3], 3), [undefined, undefined, undefined])
    for (const chunksize of [1, 3]) {
      assert.deepEqual(await pool.map(tasks.thenable, [1, 2, 3], chunksize), [1, 4, 9])
      assert.deepEqual(await pool.map(tasks.thenableTwice, [1, 2, 3], chunksize), [1, 4, 9])
      await assert.rejects(pool.map(tasks.thenableThrows, [1], chunksize), { name: 'RangeError', message: 'then 1' })
      await assert.rejects(pool.map(tasks.thenThrows, [1], chunksize), { name: 'RangeError', message: 'get then 1' })
      assert.deepEqual(await pool.map(tasks.square, range(9), chunksize), range(9).map(tasks.square))
    }
  })

  behaviour('two map() calls at once do not mix their results', async () => {
    const pool = shared(2)
    const [squares, same, letters] = await Promise.all([
      pool.map(tasks.square, range(500), 7),
      pool.map(tasks.identityLater<number>, range(300), 3),
      pool.map(tasks.identity<string>, 'abc')
    ])
    assert.deepEqual(squares, range(500).map(tasks.square))
    assert.deepEqual(same, range(300))
    assert.deepEqual(letters, ['a', 'b', 'c'])
  })

  /** How many items each task had, as seen by workers that do one task each. */
  async function chunkLengths(items: number, options: Parameters<Pool['map']>[2], processes = 1): Promise<number[]> {
    await using pool = new Pool(processes, { maxTasksPerChild: 1 })
    const pids = await pool.map(tasks.pid as (n: number) => number, range(items), options)
    const lengths: number[] = []
    for (const [index, pid] of pids.entries()) {
      if (pid === pids[index - 1]) lengths[lengths.length - 1]++
      else lengths.push(1)
    }
    return lengths
  }

  behaviour('chunksize, as a number or an option, is the number of items that travel together', async () => {
    assert.deepEqual(await chunkLengths(7, 3), [3, 3, 1])
    assert.deepEqual(await chunkLengths(7, { chunksize: 4 }), [4, 3])
    assert.deepEqual(await chunkLengths(3, 100), [3])
  })

  behaviour('map() makes four chunks for each worker if chunksize is left out', async () => {
    assert.deepEqual(await chunkLengths(8, undefined), [2, 2, 2, 2])
    assert.deepEqual(await chunkLengths(2, {}), [1, 1])
  })

  behaviour('an error of one item is the error of the whole map()', async () => {
    const pool = shared(2)
    for (const chunksize of [1, 2, 10]) {
      await assert.rejects(pool.map(tasks.failOnThree, range(10), chunksize), { name: 'RangeError', message: 'bad 3' })
    }
    assert.deepEqual(await pool.map(tasks.square, range(10)), range(10).map(tasks.square))
  })

  behaviour('an error of an async function is the error of the whole map()', async () => {
    const pool = shared(2)
    await assert.rejects(pool.map(tasks.failLater, ['a', 'b'], 2), { name: 'RangeError', message: 'a' })
  })

  behaviour('after an error of map(), items that have not begun are dropped', async () => {
    await using scratch = await Scratch.create()
    const pool = shared(1)
    const file = scratch.file('reports')
    const items = range(500).map(task => ({ file: task === 2 ? '/no such/directory' : file, task, ms: 0 }))
    await assert.rejects(pool.map(tasks.reportItem, items, 1), { code: 'ENOENT' })
    // The worker takes tasks in their order: what this one finds is all there will ever be.
    await pool.apply(tasks.nothing)
    const begun = (await reports(scratch)).filter(({ what }) => what === 'begin').length
    assert.ok(begun >= 2 && begun < 20, `${begun} tasks of 500 were begun`)
  })

  behaviour('after an error of map(), the next map() of the same pool is complete', async () => {
    const pool = shared(2)
    for (const round of range(20)) {
      const results = await Promise.allSettled([
        pool.map(tasks.failOnThree, range(100), 1),
        pool.map(tasks.square, range(100), 1 + round)
      ])
      assert.equal(results[0].status, 'rejected')
      assert.deepEqual(results[1], { status: 'fulfilled', value: range(100).map(tasks.square) })
    }
  })

  behaviour('an item that cannot cross rejects map(), and leaves nothing behind', async () => {
    const pool = shared(2)
    await pool.apply(tasks.nothing)
    const before = blocks()
    for (const chunksize of [1, 2, 1000]) {
      const items: unknown[] = range(1000)
      items[900] = Symbol('only here')
      await assert.rejects(pool.map(tasks.identity, items, chunksize), {
        name: 'SerializationError',
        message: /^cannot send items\[900\]: .*Symbol/,
        path: 'items[900]'
      })
    }
    assert.deepEqual(await pool.map(tasks.square, range(10)), range(10).map(tasks.square))
    // Two functions that the workers know by now, and what they sleep on.
    await until(() => blocks() <= before + 4, 'the blocks of the items are given back')
  })

  behaviour('a result that cannot cross rejects map()', async () => {
    const pool = shared(1)
    await assert.rejects(pool.map(tasks.symbolResult, [1, 2]), { name: 'SerializationError', message: /Symbol/ })
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })

  behaviour('an input that throws rejects map(), and its iterator is closed', async () => {
    await using pool = new Pool(1)
    const log: string[] = []
    const failing = function* () {
      try {
        yield 1
        throw new RangeError('no more')
      } finally {
        log.push('left')
      }
    }
    const failingLater = async function* () {
      yield* failing()
    }
    await assert.rejects(pool.map(tasks.square, failing()), { name: 'RangeError', message: 'no more' })
    await assert.rejects(pool.map(tasks.square, failingLater()), { name: 'RangeError', message: 'no more' })
    assert.deepEqual(log, ['left', 'left'])
    pool.close()
    await pool.join()
  })

  behaviour('a long map of long items takes no more shared memory than what is under way', async () => {
    await using scratch = await Scratch.create()
    const pool = shared(1)
    await pool.apply(tasks.nothing)
    const before = blocks()
    const gate = new Gate(scratch)
    const held = pool.apply(tasks.holdGate, gate.args)
    await gate.arrival()
    const items = range(1000).map(() => tasks.bytes(2000))
    const mapped = pool.map(tasks.identity<Uint8Array>, items, 1)
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(blocks() - before < 50, `${blocks() - before} blocks for 1000 items`)
    gate.open()
    await held
    assert.equal((await mapped).length, 1000)
    await until(() => blocks() <= before + 3, 'the blocks of the items are given back')
  })
})
