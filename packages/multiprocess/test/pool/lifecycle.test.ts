import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { processStatus } from '../../src/ground/os/process-status.ts'
import { Pool, PoolTerminatedError, ValueError } from '../../src/index.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import {
  cpuTicks,
  Gate,
  isPidRunning,
  liveBlocks,
  range,
  Scratch,
  until,
  untilBlocks,
  workers
} from '../fixtures/pool/tools.ts'
import { descriptorCount, untilSync } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)

async function assertRefuses(pool: Pool, error: typeof ValueError | typeof PoolTerminatedError): Promise<void> {
  await assert.rejects(pool.apply(tasks.square, [1]), error)
  assert.throws(() => pool.applyAsync(tasks.square, [1]), error)
  await assert.rejects(pool.map(tasks.square, [1]), error)
  assert.throws(() => pool.imap(tasks.square, [1]), error)
  assert.throws(() => pool.imapUnordered(tasks.square, [1]), error)
}

describe('close and join', { timeout }, () => {
  test('close and join finish the submitted tasks, and then the workers are gone', async () => {
    const pool = new Pool(2)
    const results = range(3000).map(n => pool.apply(tasks.square, [n]))
    pool.close()
    await pool.join()
    assert.deepEqual(workers(), [])
    assert.deepEqual(await Promise.all(results), range(3000).map(tasks.square))
  })

  test('close and join finish a map of an array and of an async iterable', async () => {
    const items = async function* () {
      for (const n of range(30)) {
        await tasks.sleep(1)
        yield n
      }
    }
    const pool = new Pool(2)
    const results = [pool.map(tasks.square, range(3000), 1), pool.map(tasks.square, items(), 1)]
    pool.close()
    await pool.join()
    assert.deepEqual(await Promise.all(results), [range(3000).map(tasks.square), range(30).map(tasks.square)])
  })

  test('close and join finish an imap, even if its consumer is slow', async () => {
    for (const method of ['imap', 'imapUnordered'] as const) {
      const pool = new Pool(1)
      const results = pool[method](tasks.square, range(6), { buffersize: 1 })
      assert.equal((await results.next()).value, 0)
      await tasks.sleep(5)
      pool.close()
      const joined = pool.join()
      const rest: number[] = []
      for await (const value of results) {
        await tasks.sleep(5)
        rest.push(value)
      }
      assert.deepEqual(rest, [1, 4, 9, 16, 25])
      await joined
    }
    assert.deepEqual(workers(), [])
  })

  test('close and join end a pool without tasks, at once and after a while', async () => {
    const pool = new Pool(2)
    pool.close()
    await pool.join()
    const other = new Pool(2)
    await other.apply(tasks.square, [1])
    other.close()
    await other.join()
    assert.deepEqual(workers(), [])
  })

  test('join throws ValueError before close, also in a pool that works', async () => {
    await using pool = new Pool(1)
    await assert.rejects(pool.join(), { name: 'ValueError', code: 'ERR_VALUE', message: /close\(\) or terminate\(\)/ })
    const result = pool.apply(tasks.square, [2])
    await assert.rejects(pool.join(), ValueError)
    assert.equal(await result, 4)
  })

  test('a closed pool refuses tasks', async () => {
    const pool = new Pool(1)
    const result = pool.apply(tasks.squareLater, [3])
    pool.close()
    await assertRefuses(pool, ValueError)
    pool.close()
    await pool.join()
    await assertRefuses(pool, ValueError)
    assert.equal(await result, 9)
  })

  test('join may be called twice, and several times at once', async () => {
    const pool = new Pool(1)
    const result = pool.apply(tasks.squareLater, [3])
    pool.close()
    await Promise.all([pool.join(), pool.join(), pool.join()])
    await pool.join()
    assert.equal(await result, 9)
  })

  test('a worker that dies while the pool closes is replaced, as long as tasks wait', async () => {
    const pool = new Pool(1)
    const results = [
      ...range(3).map(() => pool.apply(dying.kill, ['SIGKILL']).catch((error: Error) => error.name)),
      pool.apply(tasks.square, [3])
    ]
    pool.close()
    await pool.join()
    assert.deepEqual(await Promise.all(results), ['WorkerDiedError', 'WorkerDiedError', 'WorkerDiedError', 9])
  })

  test('workers that retire while the pool closes are replaced, as long as tasks wait', async () => {
    const pool = new Pool(2, { maxTasksPerChild: 1 })
    const results = range(6).map(n => pool.apply(tasks.square, [n]))
    pool.close()
    await pool.join()
    assert.deepEqual(await Promise.all(results), range(6).map(tasks.square))
  })
})

describe('terminate', { timeout }, () => {
  test('terminate rejects pending tasks and ends the workers, whatever they do', async () => {
    await using scratch = await Scratch.create()
    const gates = ['spinning', 'blocked', 'waiting'].map(name => new Gate(scratch, name))
    const pool = new Pool(4)
    const results = [
      pool.applyAsync(dying.spinFrom, [gates[0].reached]),
      pool.applyAsync(tasks.holdGate, gates[1].args),
      pool.applyAsync(dying.neverFrom, [gates[2].reached])
    ]
    for (const gate of gates) await gate.arrival()
    const pids = workers()
    assert.equal(pids.length, 4)
    pool.terminate()
    for (const result of results) {
      assert.equal(result.ready(), true)
      await assert.rejects(result.get(), { name: 'PoolTerminatedError', code: 'ERR_POOL_TERMINATED' })
    }
    await pool.join()
    assert.deepEqual(pids.filter(isPidRunning), [])
    assert.deepEqual(workers(), [])
  })

  test('terminate with waiting tasks starts no worker in place of one that ended', async () => {
    await using scratch = await Scratch.create()
    for (const round of range(3)) {
      const gate = new Gate(scratch, `${round}`)
      const pool = new Pool(1)
      const results = [
        pool.apply(tasks.holdGate, gate.args),
        ...range(10).map(n => pool.apply(tasks.square, [n])),
        pool.map(tasks.square, range(100), 1)
      ]
      const all = Promise.allSettled(results)
      await gate.arrival()
      pool.terminate()
      await pool.join()
      assert.deepEqual(workers(), [])
      for (const result of await all)
        assert.ok(result.status === 'rejected' && result.reason instanceof PoolTerminatedError)
    }
  })

  test('a worker that ignores SIGTERM is killed', async () => {
    await using scratch = await Scratch.create()
    const gate = new Gate(scratch)
    const pool = new Pool(1)
    const result = pool.applyAsync(dying.ignoreTerm, [gate.reached])
    const pid = await gate.arrival()
    pool.terminate()
    await pool.join()
    assert.equal(isPidRunning(pid), false)
    await assert.rejects(result.get(), PoolTerminatedError)
  })

  test('terminate ends workers that are starting', async () => {
    for (const _ of range(3)) {
      const pool = new Pool(2)
      const result = pool.applyAsync(tasks.square, [2])
      pool.terminate()
      await assert.rejects(result.get(), PoolTerminatedError)
      await pool.join()
    }
    assert.deepEqual(workers(), [])
  })

  test('terminate ends a pool with a worker that was already dead, unnoticed, and one that is killed meanwhile', async () => {
    for (const _ of range(2)) {
      const pool = new Pool(3)
      await using scratch = await Scratch.create()
      const gates = range(3).map(n => new Gate(scratch, String(n)))
      const results = gates.map(gate => pool.applyAsync(tasks.holdGate, gate.args))
      for (const gate of gates) await gate.arrival()
      results.push(pool.applyAsync(tasks.never))
      const [first, second] = workers()
      process.kill(first, 'SIGKILL')
      // A zombie can be waited for once its other threads are gone, too.
      untilSync(
        () => processStatus(first)?.state === 'Z' && readdirSync(`/proc/${first}/task`).length === 1,
        'it has ended'
      )
      pool.terminate()
      process.kill(second, 'SIGKILL')
      for (const result of results) await assert.rejects(result.get(), PoolTerminatedError)
      await pool.join()
      assert.deepEqual(workers(), [])
    }
  })

  test('a terminated pool refuses tasks, and terminate may be called twice', async () => {
    const pool = new Pool(1)
    assert.equal(await pool.apply(tasks.square, [2]), 4)
    pool.terminate()
    await assertRefuses(pool, PoolTerminatedError)
    pool.terminate()
    pool.close()
    await assertRefuses(pool, PoolTerminatedError)
    await pool.join()
    pool.terminate()
    await assertRefuses(pool, PoolTerminatedError)
  })

  test('terminate of a closing pool rejects the rest', async () => {
    await using scratch = await Scratch.create()
    const gate = new Gate(scratch)
    const pool = new Pool(1)
    const results = [pool.applyAsync(tasks.holdGate, gate.args), pool.applyAsync(tasks.square, [1])]
    await gate.arrival()
    pool.close()
    const joined = pool.join()
    pool.terminate()
    await joined
    for (const result of results) await assert.rejects(result.get(), PoolTerminatedError)
    assert.deepEqual(workers(), [])
  })

  test('terminate with 100,000 queued tasks rejects each, and leaves nothing', async () => {
    await new Pool(1)[Symbol.asyncDispose]()
    const blocks = liveBlocks()
    await using scratch = await Scratch.create()
    const gates = [new Gate(scratch, 'a'), new Gate(scratch, 'b')]
    const pool = new Pool(2)
    const results: Promise<unknown>[] = gates.map(gate => pool.apply(tasks.holdGate, gate.args))
    const long = 'x'.repeat(1000)
    for (const n of range(100_000)) results.push(pool.apply(tasks.identity, [n % 100 === 0 ? long : n]))
    for (const gate of gates) await gate.arrival()
    const all = Promise.allSettled(results)
    pool.terminate()
    await pool.join()
    const reasons = new Set((await all).map(result => (result.status === 'rejected' ? result.reason.name : 'none')))
    assert.deepEqual(reasons, new Set(['PoolTerminatedError']))
    assert.deepEqual(workers(), [])
    await untilBlocks(blocks)
  })

  test('terminate rejects a map and an imap whose input is still to come, and leaves the input', {
    timeout: limit(30_000)
  }, async () => {
    let isLeft = 0
    const slow = async function* () {
      try {
        for (let n = 0; ; n++) {
          yield n
          await tasks.sleep(2)
        }
      } finally {
        isLeft++
      }
    }
    const pool = new Pool(1)
    const mapped = pool.map(tasks.square, slow())
    const iterated = (async () => {
      for await (const _ of pool.imap(tasks.square, slow()));
    })()
    const all = Promise.allSettled([mapped, iterated])
    await pool.apply(tasks.nothing)
    pool.terminate()
    await pool.join()
    for (const result of await all)
      assert.equal(result.status === 'rejected' && result.reason.name, 'PoolTerminatedError')
    await until(() => isLeft === 2, 'both inputs are left')
  })

  test('terminate rejects a map and the next() of an imap whose input never comes', {
    timeout: limit(30_000)
  }, async () => {
    const nothing = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => {}) }) }
    const pool = new Pool(1)
    const all = Promise.allSettled([
      pool.map(tasks.square, nothing),
      pool.imap(tasks.square, nothing).next(),
      pool.imapUnordered(tasks.square, nothing).next()
    ])
    await pool.apply(tasks.nothing)
    pool.terminate()
    await pool.join()
    for (const result of await all)
      assert.equal(result.status === 'rejected' && result.reason.name, 'PoolTerminatedError')
  })

  test('terminate may be called from within an argument that is being sent', async () => {
    for (const queued of [0, 3000]) {
      const pool = new Pool(1)
      const pending = range(queued).map(() => pool.applyAsync(tasks.never))
      const argument = {
        get late(): number {
          pool.terminate()
          return 1
        }
      }
      await assert.rejects(pool.apply(tasks.identity, [argument]), PoolTerminatedError)
      for (const result of pending) await assert.rejects(result.get(), PoolTerminatedError)
      await pool.join()
    }
  })

  test('terminate may be called from within a callback, and by a task that has just answered', async () => {
    const pool = new Pool(1)
    const other = pool.applyAsync(tasks.never)
    const results = range(10).map(() => pool.applyAsync(tasks.square, [1]))
    await using second = new Pool(1)
    await new Promise<void>(resolve =>
      second.applyAsync(tasks.square, [1], {
        callback: () => {
          pool.terminate()
          resolve()
        }
      })
    )
    for (const result of [other, ...results]) await assert.rejects(result.get(), PoolTerminatedError)
    await pool.join()
  })
})

describe('await using', { timeout }, () => {
  test('await using terminates and joins at the end of the block', async () => {
    let result: PromiseLike<unknown>
    {
      await using pool = new Pool(2)
      assert.equal(await pool.apply(tasks.square, [3]), 9)
      result = pool.applyAsync(tasks.never)
      assert.equal(workers().length, 2)
    }
    assert.deepEqual(workers(), [])
    await assert.rejects(async () => await result, PoolTerminatedError)
  })

  test('await using terminates and joins if the block throws, and after close', async () => {
    await assert.rejects(async () => {
      await using pool = new Pool(1)
      await pool.apply(tasks.fail, ['out of the block'])
    }, /out of the block/)
    assert.deepEqual(workers(), [])
    {
      await using pool = new Pool(1)
      pool.close()
      await pool.join()
    }
    assert.deepEqual(workers(), [])
  })
})

test('an idle pool burns no processor time', { timeout }, async () => {
  await using pool = new Pool(2)
  await using other = new Pool(1, { concurrency: 4 })
  await pool.map(tasks.square, range(1000), 1)
  await Promise.all(range(20).map(n => other.apply(tasks.squareLater, [n])))
  const pids = [process.pid, ...workers()]
  assert.equal(pids.length, 4)
  // What follows a start, such as collecting garbage, is over when two looks in a row find nothing used.
  const ticks = () => pids.map(cpuTicks)
  let before = ticks()
  for (let quiet = 0; quiet < 2; ) {
    await tasks.sleep(50)
    const now = ticks()
    quiet = now.every((tick, index) => tick === before[index]) ? quiet + 1 : 0
    before = now
  }
  await tasks.sleep(1500)
  for (const [index, tick] of ticks().entries()) {
    assert.ok(
      tick - before[index] <= 2,
      `process ${pids[index]} used ${tick - before[index]} ticks of 10 ms in 1500 ms`
    )
  }
  assert.equal(await pool.apply(tasks.square, [3]), 9)
  assert.equal(await other.apply(tasks.square, [3]), 9)
})

test('many pools one after another leave no block, descriptor or process', { timeout }, async () => {
  const use = async (end: 'close' | 'terminate') => {
    const pool = new Pool(1)
    await pool.map(tasks.square, range(10))
    pool[end]()
    await pool.join()
  }
  await use('close')
  await until(() => workers().length === 0, 'no worker runs')
  const before = [liveBlocks(), descriptorCount()]
  for (const _ of range(3)) {
    await use('close')
    await use('terminate')
  }
  assert.deepEqual([liveBlocks(), descriptorCount()], before)
})
