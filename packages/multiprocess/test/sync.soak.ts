/** Locks for long: a million turns, hundreds of killed holders, a thousand rounds, a million locks, every interleaving of three. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { currentFamily } from '../src/ground/family.ts'
import {
  Barrier,
  BoundedSemaphore,
  Event,
  Lock,
  OwnerDiedError,
  Pool,
  Process,
  RLock,
  Semaphore,
  Array as SharedArray
} from '../src/index.ts'
import { until } from './fixtures/process/tools.ts'
import { explore } from './fixtures/sync/interleavings.ts'
import { LONG } from './fixtures/sync/programs.ts'
import * as tasks from './fixtures/sync/tasks.ts'

const timeout = 1_200_000
const MILLION = Number(process.env.MULTIPROCESS_SOAK_TURNS ?? 1_000_000)
const KILLS = Number(process.env.MULTIPROCESS_SOAK_KILLS ?? 500)

describe('a million turns', { timeout }, () => {
  for (const [name, make] of Object.entries({
    Lock: () => new Lock(),
    RLock: () => new RLock(),
    Semaphore: () => new Semaphore(1),
    BoundedSemaphore: () => new BoundedSemaphore(1)
  })) {
    test(`${name}: blocking and asynchronous callers of 4 processes`, { timeout }, async () => {
      const lock = make()
      const counter = SharedArray('i', 1)
      const each = MILLION / 4 - ((MILLION / 4) % 3)
      const ways = [tasks.countBlocking, tasks.countAsync, tasks.countConcurrently, tasks.countBlocking]
      await using pool = new Pool(4)
      await Promise.all(ways.map(way => pool.apply(way as typeof tasks.countAsync, [lock, counter, each])))
      assert.equal(counter[0], 4 * each)
      assert.equal(lock.locked, false)
    })
  }
})

describe('killed holders', { timeout }, () => {
  for (const [name, make] of [
    ['Lock', () => new Lock()],
    ['RLock', () => new RLock()]
  ] as const) {
    test(`${name}: each of ${KILLS} deaths is told once, to one of those who wait`, { timeout }, async () => {
      const lock = make()
      // Told, acquired, of all who wait.
      const counts = SharedArray('i', 2)
      const stop = new Event()
      await using pool = new Pool(2)
      const waiters = [
        pool.apply(tasks.acquireUntil, [lock, counts, stop, true]),
        pool.apply(tasks.acquireUntil, [lock, counts, stop, false])
      ]
      for (let kills = 1; kills <= KILLS; kills++) {
        const hasIt = new Event()
        const holder = new Process({ target: tasks.holdUntilKilled, args: [lock, hasIt] })
        holder.start()
        assert.equal(await hasIt.wait({ timeout: 30_000 }), true, 'the holder gets its turn')
        holder.kill()
        const killed = performance.now()
        await until(() => counts[0] === kills, `death ${kills} is told`)
        assert.ok(performance.now() - killed < 1500, `death ${kills} was told after ${performance.now() - killed} ms`)
        await holder.join()
      }
      stop.set()
      await Promise.all(waiters)
      assert.equal(counts[0], KILLS)
      assert.equal(lock.locked, false)
    })
  }

  test('a random one, anywhere in its turn', { timeout }, async () => {
    const lock = new Lock()
    const counts = SharedArray('i', 2)
    const stop = new Event()
    await using pool = new Pool(1)
    const waiter = pool.apply(tasks.acquireUntil, [lock, counts, stop, true])
    for (let kills = 0; kills < KILLS / 5; kills++) {
      const victim = new Process({
        target: tasks.acquireUntil as never,
        args: [lock, counts, stop, kills % 2 === 0] as never
      })
      victim.start()
      await new Promise(resolve => setTimeout(resolve, 60 + Math.random() * 40))
      victim.kill()
      await victim.join()
      // Whoever had it, and wherever it was: the others go on.
      const before = Atomics.load(counts, 1)
      await until(() => Atomics.load(counts, 1) > before, 'the other one gets its turn')
    }
    stop.set()
    await waiter
    assert.ok(counts[0] <= KILLS / 5, `${counts[0]} told`)
    await lock.acquire().catch(error => assert.ok(error instanceof OwnerDiedError))
    lock.release()
  })
})

test('a Barrier of 5 over 1,000 rounds', { timeout }, async () => {
  const barrier = new Barrier(5)
  const counts = SharedArray('i', 1000)
  await using pool = new Pool(5)
  await Promise.all([0, 1, 2, 3, 4].map(n => pool.apply(tasks.rounds, [barrier, counts, 1000, n % 2 === 0])))
  assert.deepEqual(new Set(counts), new Set([5]))
})

test('a million locks created and dropped leave the arena flat', { timeout }, async () => {
  const { arena } = currentFamily()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  new Lock()
  const before = arena.liveBlocks
  let most = 0
  for (let i = 0; i < MILLION; i += 10_000) {
    for (let n = 0; n < 10_000; n++) new Lock()
    await until(() => {
      collect()
      return arena.liveBlocks < before + 5000
    }, 'the blocks of dropped locks are given back')
    most = Math.max(most, arena.check().usedPages)
  }
  assert.ok(most < 100, `${most} pages of 64 KiB`)
})

describe('every interleaving', { timeout }, () => {
  for (const [name, program] of Object.entries(LONG)) {
    test(`of ${name}`, { timeout }, () => {
      const { states, ends } = explore(program)
      assert.ok(states > 10_000 && ends > 100, `${states} states, ${ends} ends`)
    })
  }
})
