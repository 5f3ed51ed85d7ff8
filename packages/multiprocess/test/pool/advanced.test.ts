import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { activeChildren, Pool, Process } from '../../src/index.ts'
import * as nested from '../fixtures/pool/nested.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { childrenOf, isPidRunning, Program, range, Scratch, until, workers } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)

test('two pools side by side have workers of their own', { timeout }, async () => {
  await using first = new Pool(2)
  await using second = new Pool(1)
  assert.equal(workers().length, 3)
  const [a, b] = await Promise.all([
    Promise.all(range(200).map(() => first.apply(tasks.pidLater, [0]))),
    Promise.all(range(200).map(() => second.apply(tasks.pidLater, [0])))
  ])
  assert.equal(new Set(b).size, 1)
  assert.ok(!a.includes(b[0]))
  const pending = first.applyAsync(tasks.never)
  first.terminate()
  await assert.rejects(pending.get(), { name: 'PoolTerminatedError' })
  assert.equal(await second.apply(tasks.square, [3]), 9)
})

test('a pool feeds another pool', { timeout }, async () => {
  await using first = new Pool(1)
  await using second = new Pool(2)
  const results: number[] = []
  for await (const n of second.imap(tasks.square, first.imap(tasks.square, range(200)))) results.push(n)
  assert.deepEqual(
    results,
    range(200).map(n => n ** 4)
  )
})

test('processes run beside a pool', { timeout }, async () => {
  await using pool = new Pool(1)
  const child = new Process({ target: tasks.sleep, args: [20] })
  child.start()
  assert.ok(activeChildren().includes(child as never))
  assert.equal(await pool.apply(tasks.square, [3]), 9)
  await child.join()
  assert.equal(child.exitcode, 0)
})

describe('a pool in another process', { timeout }, () => {
  test('a pool runs in a worker of a pool', async () => {
    await using pool = new Pool(2)
    const results = await Promise.all([
      pool.apply(nested.squaresInPool, [range(50)]),
      pool.apply(nested.squaresInPool, [range(30)]),
      pool.apply(tasks.square, [3])
    ])
    assert.deepEqual(results, [range(50).map(tasks.square), range(30).map(tasks.square), 9])
  })

  test('a pool runs in a worker of a pool in a worker of a pool', async () => {
    await using pool = new Pool(1)
    assert.deepEqual(await pool.apply(nested.squaresInPoolInPool, [range(20)]), range(20).map(tasks.square))
  })

  test('a pool in a worker that outlives its task is still there for the next one, and goes with its worker', async () => {
    const pool = new Pool(1)
    const pid = await pool.apply(nested.openPool, [2])
    assert.deepEqual(await pool.apply(nested.squaresInOpenPool, [range(10)]), range(10).map(tasks.square))
    assert.deepEqual(await pool.apply(nested.squaresInOpenPool, [range(10)]), range(10).map(tasks.square))
    const inner = childrenOf(pid)
    assert.equal(inner.length, 2)
    process.kill(pid, 'SIGKILL')
    await until(() => !inner.some(isPidRunning), 'the inner workers have ended with the outer one')
    assert.equal(await pool.apply(tasks.square, [3]), 9)
    const other = await pool.apply(nested.openPool, [1])
    const [last] = childrenOf(other)
    pool.terminate()
    await pool.join()
    await until(() => !isPidRunning(last), 'the inner worker has ended with the pool')
  })

  test('an error of a pool in a worker crosses both ways out', async () => {
    await using pool = new Pool(1)
    await assert.rejects(pool.apply(nested.failInPool, ['deep']), {
      name: 'RangeError',
      message: 'deep',
      stack: /at fail /
    })
  })

  test('a pool runs in a Process', async () => {
    await using scratch = await Scratch.create()
    const child = new Process({ target: nested.writeSquaresInPool, args: [scratch.file('squares'), range(20)] })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.deepEqual(JSON.parse(await scratch.read('squares')), range(20).map(tasks.square))
  })

  test('a pool in a daemon is refused, because a daemon may not have children', async () => {
    await using scratch = await Scratch.create()
    const child = new Process({ target: nested.tryPool, args: [scratch.file('answer')], daemon: true })
    child.start()
    await child.join()
    assert.match(await scratch.read('answer'), /^ValueError: .*daemon/)
  })
})

describe('functions as values', { timeout }, () => {
  test('functions cross as arguments and in results, by reference', async () => {
    await using pool = new Pool(1)
    assert.equal(await pool.apply(nested.callWith, [tasks.square, 7]), 49)
    assert.equal(await pool.apply(nested.functionFor, ['square']), tasks.square)
    assert.deepEqual(await pool.apply(nested.functionsIn), {
      list: [tasks.square, Math.max],
      map: new Map([['arrow', tasks.arrow]])
    })
    assert.deepEqual(await pool.map(nested.functionFor, ['square', 'arrow']), [tasks.square, tasks.arrow])
    const all: unknown[] = []
    for await (const fn of pool.imap(nested.functionFor, ['square', 'arrow'])) all.push(fn)
    assert.deepEqual(all, [tasks.square, tasks.arrow])
  })

  test('a function in a result is imported from a module that this process has not imported', async () => {
    await using pool = new Pool(1)
    const onlyThere = await pool.apply(nested.functionOfItsOwn)
    assert.equal(onlyThere(3), 'only there 3')
  })

  test('a closed pool delivers functions in results before join is over', async () => {
    const pool = new Pool(1)
    const result = pool.applyAsync(nested.functionFor, ['square'])
    pool.close()
    await pool.join()
    assert.equal(await result, tasks.square)
  })

  test('a local function in a result arrives with what it captured', async () => {
    await using pool = new Pool(1)
    const local = await pool.apply(nested.localFunction)
    assert.deepEqual([typeof local(), local()], ['number', local()])
    assert.equal(await pool.apply(tasks.square, [3]), 9)
  })
})

test('a worker that has used up its descriptors can still report its result', { timeout }, async () => {
  await using scratch = await Scratch.create({
    'main.mjs': `
      import { existsSync } from 'node:fs'
      import { Pool } from '${new URL('../../src/index.js', import.meta.url).href}'
      import { exhaustDescriptors, touch } from '${new URL('../fixtures/pool/dying.js', import.meta.url).href}'
      import { cpuTicks, until, workers } from '${new URL('../fixtures/pool/tools.js', import.meta.url).href}'
      const pool = new Pool(1, { initializer: touch, initargs: [process.argv[2]] })
      await until(() => existsSync(process.argv[2]), 'the worker is ready')
      // Both processes sleep, so that the worker's first result has to wake this one.
      let before = -1
      await until(() => before === (before = cpuTicks(process.pid) + cpuTicks(workers()[0])), 'both are quiet')
      const result = pool.applyAsync(exhaustDescriptors)
      console.log(await result.get({ timeout: 10_000 }).catch(String))
      pool.terminate()
    `
  })
  await using program = new Program(scratch.file('main.mjs'), {
    args: [scratch.file('ready')],
    through: ['sh', '-c', 'ulimit -n 200; exec "$@"', 'sh']
  })
  assert.equal((await program.outcome).stdout, 'EMFILE\n')
})

test('many pools at once', { timeout }, async () => {
  const pools = range(5).map(() => new Pool(1))
  const results = await Promise.all(pools.map((pool, n) => pool.map(tasks.square, range(n * 10))))
  assert.deepEqual(
    results,
    pools.map((_, n) => range(n * 10).map(tasks.square))
  )
  for (const pool of pools) pool.close()
  await Promise.all(pools.map(pool => pool.join()))
  assert.deepEqual(workers(), [])
})
