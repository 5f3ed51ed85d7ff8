import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AsyncResult, Pool } from '../../src/index.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { allAtWork, Gate, mostAtOnce, randomFrom, range, reports, Scratch, until } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)

describe('no task waits behind a slow one while a worker is free', { timeout }, () => {
  test('200 short tasks are done while one of two workers is blocked', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    const gate = new Gate(scratch)
    const slow = pool.applyAsync(tasks.holdGate, gate.args)
    const short = range(200).map(n => pool.apply(tasks.square, [n]))
    assert.deepEqual(await Promise.all(short), range(200).map(tasks.square))
    await gate.arrival()
    // And those that come later, one after the other.
    for (const n of range(50)) assert.equal(await pool.apply(tasks.square, [n]), n * n)
    assert.equal(slow.ready(), false)
    gate.open()
    assert.equal(await slow, await gate.arrival())
  })

  test('short tasks behind slow ones go to the worker that is free', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(3)
    const gates = [new Gate(scratch, 'a'), new Gate(scratch, 'b')]
    const slow: AsyncResult<number>[] = []
    const short: Promise<number>[] = []
    for (const n of range(300)) {
      if (n === 100 || n === 101) slow.push(pool.applyAsync(tasks.holdGate, gates[n - 100].args))
      short.push(pool.apply(tasks.square, [n]))
    }
    assert.deepEqual(await Promise.all(short), range(300).map(tasks.square))
    const [first, second] = await Promise.all(gates.map(gate => gate.arrival()))
    assert.notEqual(first, second)
    for (const gate of gates) gate.open()
    assert.deepEqual(await Promise.all(slow), [first, second])
  })

  test('a long chunk of map is shared with a worker that has nothing to do', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    await allAtWork(pool, 2, scratch)
    for (const method of ['map', 'starmap'] as const) {
      const file = scratch.file(method)
      // All that is slow is in the first chunk of eight.
      const items = range(64).map(task => ({ file, task, ms: task < 8 ? 60 : 0 }))
      const results =
        method === 'map'
          ? await pool.map(tasks.reportItem, items)
          : await pool.starmap(
              tasks.reportItem,
              items.map((item): [typeof item] => [item])
            )
      assert.deepEqual(results, range(64))
      const slow = (await reports(scratch, method)).filter(({ what, task }) => what === 'end' && task < 8)
      assert.equal(slow.length, 8)
      assert.equal(new Set(slow.map(({ pid }) => pid)).size, 2)
    }
  })

  test('a long chunk of an async function is shared, and a requested chunksize is kept', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    await allAtWork(pool, 2, scratch)
    // The other worker has had its share of the short ones before the first chunk is over.
    const slow = limit(60)
    const pids = await pool.map(
      tasks.pidLater,
      range(64).map(n => (n < 8 ? slow : 0))
    )
    assert.equal(new Set(pids.slice(0, 8)).size, 2)
    const kept = await pool.map(
      tasks.pidLater,
      range(64).map(n => (n < 8 ? 20 : 0)),
      8
    )
    assert.equal(new Set(kept.slice(0, 8)).size, 1)
  })

  test('chunks of map and imap are shared even if they are short', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    const gate = new Gate(scratch)
    const slow = pool.applyAsync(tasks.holdGate, gate.args)
    assert.deepEqual(await pool.map(tasks.square, range(200)), range(200).map(tasks.square))
    let sum = 0
    for await (const n of pool.imapUnordered(tasks.square, range(100))) sum += n
    assert.equal(sum, 328_350)
    await gate.arrival()
    assert.equal(slow.ready(), false)
    gate.open()
    await slow
  })

  test('a worker that may run several tasks at once does not take the next one while it blocks in the first', async () => {
    await using scratch = await Scratch.create()
    for (const round of range(3)) {
      await using pool = new Pool(2, { concurrency: 2 })
      const gate = new Gate(scratch, `${round}`)
      const slow = pool.applyAsync(tasks.holdGate, gate.args)
      assert.equal(await pool.applyAsync(tasks.square, [3]).get({ timeout: limit(5_000) }), 9)
      await gate.arrival()
      gate.open()
      await slow
    }
  })

  test('a free worker is woken when a worker with an async task blocks later', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2, { concurrency: 2 })
    for (const round of range(3)) {
      const gate = new Gate(scratch, `${round}`)
      // Both workers have slept and been woken, in either order.
      await Promise.all(range(4).map(() => pool.apply(tasks.sleep, [round])))
      const slow = pool.applyAsync(tasks.holdGateLater, [20, ...gate.args])
      await gate.arrival()
      for (const n of range(10)) {
        const result = pool.applyAsync(tasks.square, [n])
        assert.equal(await result.get({ timeout: limit(20_000) }), n * n)
        // Long enough for the free worker to go to sleep again.
        await tasks.sleep(3)
      }
      assert.equal(slow.ready(), false)
      gate.open()
      await slow
    }
  })

  test('a worker whose timer blocks is not waited for', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2)
    const gate = new Gate(scratch)
    assert.equal(await pool.apply(tasks.blockInTimer, [10, ...gate.args]), undefined)
    await gate.arrival()
    for (const n of range(10)) {
      assert.equal(await pool.applyAsync(tasks.square, [n]).get({ timeout: limit(20_000) }), n * n)
      await tasks.sleep(3)
    }
    gate.open()
  })

  test('tasks of 0 to 20 ms begin in their order, in all workers, one at a time in each', async () => {
    await using scratch = await Scratch.create()
    const count = 200
    {
      await using pool = new Pool(3)
      await allAtWork(pool, 3, scratch)
      const random = randomFrom(1)
      const file = scratch.file('reports')
      const results = range(count).map(n => pool.apply(tasks.reportBlock, [file, n, Math.floor(random() * 21)]))
      assert.deepEqual(await Promise.all(results), range(count))
    }
    const all = await reports(scratch)
    const most = mostAtOnce(all)
    assert.deepEqual([...most.values()], [1, 1, 1])
    const begun = all.filter(({ what }) => what === 'begin').map(({ task }) => task)
    assert.deepEqual(
      [...begun].sort((a, b) => a - b),
      range(count)
    )
    // Between taking a task and reporting it a worker may be preempted, and others go ahead.
    for (const [place, task] of begun.entries())
      assert.ok(Math.abs(place - task) < 60, `task ${task} was begun as number ${place}`)
    // While one task is under way others are begun: most of those of some length see that.
    const overlapped = all.filter(({ what, pid }, index) => what === 'begin' && all[index + 1]?.pid !== pid).length
    assert.ok(overlapped > count / 4, `${overlapped} of ${count}`)
  })
})

describe('concurrency', { timeout }, () => {
  test('a worker runs as many async tasks at once as concurrency says, and no more', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1, { concurrency: 3 })
    const gates = range(5).map(n => new Gate(scratch, `${n}`))
    const results = gates.map(gate => pool.applyAsync(tasks.awaitGate, gate.args))
    for (const gate of gates.slice(0, 3)) await gate.arrival()
    assert.deepEqual(
      gates.map(gate => gate.pidNow() !== 0),
      [true, true, true, false, false]
    )
    gates[1].open()
    await results[1]
    await gates[3].arrival()
    assert.equal(gates[4].pidNow(), 0)
    for (const gate of gates) gate.open()
    assert.equal(new Set(await Promise.all(results)).size, 1)
  })

  test('async tasks do not interleave by default', async () => {
    await using scratch = await Scratch.create()
    {
      await using pool = new Pool(2)
      await allAtWork(pool, 2, scratch)
      await Promise.all(range(40).map(n => pool.apply(tasks.reportSleep, [scratch.file('reports'), n, n % 4])))
    }
    assert.deepEqual([...mostAtOnce(await reports(scratch)).values()], [1, 1])
  })

  test('concurrency applies to each worker', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(2, { concurrency: 4 })
    const gates = range(8).map(n => new Gate(scratch, `${n}`))
    const results = gates.map(gate => pool.applyAsync(tasks.awaitGate, gate.args))
    const pids = await Promise.all(gates.map(gate => gate.arrival()))
    for (const pid of new Set(pids)) assert.equal(pids.filter(other => other === pid).length, 4)
    for (const gate of gates) gate.open()
    await Promise.all(results)
  })

  test('many tasks run with concurrency, with sync and async tasks and errors mixed, and with map and imap', async () => {
    await using scratch = await Scratch.create()
    {
      await using pool = new Pool(2, { concurrency: 8 })
      await allAtWork(pool, 2, scratch)
      const file = scratch.file('reports')
      const reported = range(300).map(n =>
        pool.apply(n % 3 === 0 ? tasks.reportBlock : tasks.reportSleep, [file, n, n % 3])
      )
      const failed = range(50).map(n =>
        pool.apply(tasks.failLater, [`${n}`]).catch((error: Error) => Number(error.message))
      )
      const mapped = pool.map(tasks.squareLater, range(100), 3)
      const squares: number[] = []
      for await (const n of pool.imap(tasks.squareLater, range(50))) squares.push(n)
      assert.deepEqual(await Promise.all(reported), range(300))
      assert.deepEqual(await Promise.all(failed), range(50))
      assert.deepEqual(await mapped, range(100).map(tasks.square))
      assert.deepEqual(squares, range(50).map(tasks.square))
    }
    const most = [...mostAtOnce(await reports(scratch)).values()]
    assert.ok(Math.max(...most) > 1 && Math.max(...most) <= 8, `${most}`)
  })

  test('a sync task runs while async tasks wait', async () => {
    await using scratch = await Scratch.create()
    await using pool = new Pool(1, { concurrency: 2 })
    const gate = new Gate(scratch)
    const waiting = pool.applyAsync(tasks.awaitGate, gate.args)
    await gate.arrival()
    for (const n of range(100)) assert.equal(await pool.apply(tasks.square, [n]), n * n)
    assert.equal(waiting.ready(), false)
    gate.open()
    await waiting
  })
})

describe('maxTasksPerChild', { timeout }, () => {
  const pidsOf = (results: readonly number[]) => {
    const counts = new Map<number, number>()
    for (const pid of results) counts.set(pid, (counts.get(pid) ?? 0) + 1)
    return counts
  }

  test('with maxTasksPerChild 1, each task has its own process', async () => {
    await using pool = new Pool(2, { maxTasksPerChild: 1 })
    const results = await Promise.all(range(6).map(() => pool.apply(tasks.pid)))
    assert.equal(pidsOf(results).size, 6)
  })

  test('with maxTasksPerChild 10, a worker runs exactly ten tasks', async () => {
    await using pool = new Pool(1, { maxTasksPerChild: 10 })
    const counts = pidsOf(await Promise.all(range(25).map(() => pool.apply(tasks.pid))))
    assert.deepEqual([...counts.values()], [10, 10, 5])
    await using two = new Pool(2, { maxTasksPerChild: 10 })
    const more = [...pidsOf(await Promise.all(range(40).map(() => two.apply(tasks.pid)))).values()]
    assert.ok(
      more.every(count => count <= 10),
      `${more}`
    )
    assert.ok(more.length <= 5, `${more}`)
  })

  test('a chunk counts as one task, and a failed task counts like any other', async () => {
    await using pool = new Pool(1, { maxTasksPerChild: 2 })
    const pids = await pool.map(tasks.pid as (n: number) => number, range(20), 5)
    assert.deepEqual([...pidsOf(pids).values()], [10, 10])
    const first = await pool.apply(tasks.pid)
    await assert.rejects(pool.apply(tasks.fail, ['no']))
    assert.notEqual(await pool.apply(tasks.pid), first)
  })

  test('a worker with concurrency finishes its tasks before it leaves', async () => {
    await using pool = new Pool(1, { maxTasksPerChild: 4, concurrency: 3 })
    const results = await Promise.all(range(8).map(n => pool.apply(tasks.pidLater, [n % 4])))
    assert.deepEqual([...pidsOf(results).values()], [4, 4])
  })

  test('the successor of a worker that dies early does not run the rest of its tasks', async () => {
    await using pool = new Pool(1, { maxTasksPerChild: 3 })
    const first = await pool.apply(tasks.pid)
    await assert.rejects(pool.apply(dying.exit, [3]), { exitcode: 3 })
    const pids = await Promise.all(range(6).map(() => pool.apply(tasks.pid)))
    assert.deepEqual([...pidsOf(pids).values()], [3, 3])
    assert.ok(!pids.includes(first))
  })
})

describe('many tasks', { timeout }, () => {
  test('10,000 tasks are queued at once', async () => {
    await using pool = new Pool(2)
    const results = range(10_000).map(n => pool.apply(tasks.square, [n]))
    assert.deepEqual(await Promise.all(results), range(10_000).map(tasks.square))
  })

  test('tasks run one after another, after pauses of all lengths', async () => {
    await using pool = new Pool(2)
    for (const n of range(300)) {
      assert.equal(await pool.apply(n % 5 === 0 ? tasks.squareLater : tasks.square, [n]), n * n)
      if (n % 3 === 0) tasks.spin(n / 500)
      if (n % 7 === 0) await tasks.sleep(n % 4)
      if (n % 11 === 0) await new Promise(resolve => setImmediate(resolve))
    }
  })

  test('tasks run in bursts', async () => {
    await using pool = new Pool(3)
    for (const burst of range(60)) {
      const results = await Promise.all(range(burst).map(n => pool.apply(tasks.square, [n])))
      assert.deepEqual(results, range(burst).map(tasks.square))
      if (burst % 4 === 0) await tasks.sleep(1)
    }
  })

  test('timers of this process continue meanwhile', async () => {
    await using pool = new Pool(2)
    await pool.apply(tasks.nothing)
    let ticks = 0
    let isOver = false
    const timer = setInterval(() => ticks++, 1)
    const stream = (async () => {
      while (!isOver) await pool.map(tasks.square, range(100), 1)
    })()
    await until(() => ticks >= 20, 'the timer ticks')
    isOver = true
    clearInterval(timer)
    await stream
  })
})
