import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { currentFamily } from '../../../src/ground/family.ts'
import { Process } from '../../../src/index.ts'
import { isAlive, ownerOf, SharedWords, sleeperCount } from '../../fixtures/process/ground.ts'
import { sleepBlocking, sleepInEventLoop, wakeOnCommand } from '../../fixtures/process/ground-targets.ts'
import { until, untilSync } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const { lot, arena, memory } = currentFamily()

async function start(
  target: typeof sleepBlocking | typeof sleepInEventLoop,
  at: number,
  me: number
): Promise<Process<[number, number]>> {
  const before = sleeperCount()
  const child = new Process({ target, args: [at, me] })
  child.start()
  await until(() => sleeperCount() === before + 1, `sleeper ${me} sleeps`)
  return child
}

async function assertEnded(children: Process<[number, number]>[]): Promise<void> {
  await Promise.all(children.map(child => child.join()))
  assert.deepEqual(
    children.map(child => child.exitcode),
    children.map(() => 0)
  )
}

describe('sleeping on a word', { timeout: limit(60_000) }, () => {
  test('sleeping on a word with another value ends at once', async () => {
    using shared = new SharedWords(1)
    assert.equal(lot.park(shared.at, 5), 'changed')
    assert.equal(await lot.parkAsync(shared.at, 5), 'changed')
    assert.equal(lot.hasSleepers(shared.at), false)
    assert.equal(lot.unpark(shared.at), 0)
  })

  test('a blocked sleep ends after its timeout and not before, in one sleep that is no longer', t => {
    using shared = new SharedWords(1)
    const wait = t.mock.method(memory, 'wait')
    for (const timeout of [0, 0.5, 20, 150]) {
      wait.mock.resetCalls()
      const began = performance.now()
      assert.equal(lot.park(shared.at, 0, timeout), 'timed-out')
      assert.ok(performance.now() - began >= timeout, `${timeout} ms are not over`)
      const sleeps = wait.mock.calls.map(call => call.arguments[2] as number)
      // A sleep of the system may end a moment early.
      assert.ok(
        sleeps.length <= 2 && (timeout === 0) === (sleeps.length === 0),
        `${timeout} ms took the sleeps ${sleeps}`
      )
      assert.ok(
        sleeps.every(sleep => sleep <= timeout),
        `${timeout} ms took the sleeps ${sleeps}`
      )
    }
    assert.equal(lot.hasSleepers(shared.at), false)
  })

  test('a sleep in the event loop ends after its timeout, while timers run', async () => {
    using shared = new SharedWords(1)
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    let isLate = false
    const later = setTimeout(() => (isLate = true), 900)
    const began = performance.now()
    assert.equal(await lot.parkAsync(shared.at, 0, { timeout: 100 }), 'timed-out')
    clearInterval(timer)
    clearTimeout(later)
    assert.ok(performance.now() - began >= 98, 'its timeout is not over')
    assert.equal(isLate, false, 'a timer of 900 ms ran out before it')
    assert.ok(ticks >= 1)
    assert.equal(await lot.parkAsync(shared.at, 0, { timeout: 0 }), 'timed-out')
    assert.equal(lot.hasSleepers(shared.at), false)
  })

  test("a sleep with a timeout longer than a timer's maximum does not end at once", async () => {
    using shared = new SharedWords(1)
    const asleep = lot.parkAsync(shared.at, 0, { timeout: 2 ** 32 })
    const first = await Promise.race([asleep, sleep(50, 'still asleep')])
    lot.unpark(shared.at)
    assert.equal(first, 'still asleep')
    assert.equal(await asleep, 'woken')
  })

  test('an aborted sleep rejects with the reason and leaves nothing', async () => {
    using shared = new SharedWords(1)
    const reason = new Error('no longer wanted')
    const round = async (abortFirst: boolean) => {
      const controller = new AbortController()
      if (abortFirst) controller.abort(reason)
      const asleep = lot.parkAsync(shared.at, 0, { signal: controller.signal })
      controller.abort(reason)
      await assert.rejects(asleep, (error: unknown) => error === reason)
    }
    await round(false)
    const before = arena.liveBlocks
    for (let index = 0; index < 1000; index++) await round(index % 10 === 0)
    assert.equal(arena.liveBlocks, before)
    assert.equal(lot.hasSleepers(shared.at), false)
    assert.equal(lot.unpark(shared.at), 0)
  })

  test('a sleep that times out, or is woken, leaves nothing', async () => {
    using shared = new SharedWords(1)
    const round = async () => {
      lot.park(shared.at, 0, 0)
      await lot.parkAsync(shared.at, 0, { timeout: 0 })
      const asleep = lot.parkAsync(shared.at, 0)
      assert.equal(lot.unpark(shared.at), 1)
      assert.equal(await asleep, 'woken')
    }
    await round()
    const before = arena.liveBlocks
    for (let index = 0; index < 200; index++) await round()
    assert.equal(arena.liveBlocks, before)
  })

  test('a sleeper that is woken and aborted at once does not lose the wake-up of others', async () => {
    using shared = new SharedWords(1)
    const controller = new AbortController()
    const first = lot.parkAsync(shared.at, 0, { signal: controller.signal }).catch(() => 'aborted')
    const second = lot.parkAsync(shared.at, 0)
    assert.equal(lot.unpark(shared.at, 1), 1)
    controller.abort()
    const woken = await Promise.race([
      first.then(result => (result === 'woken' ? 'first' : new Promise(() => {}))),
      second.then(() => 'second'),
      sleep(500, 'nobody')
    ])
    lot.unpark(shared.at)
    await Promise.all([first, second])
    assert.notEqual(woken, 'nobody')
  })

  test('n of m sleepers are woken in the order they came, across processes, blocked and in event loops', async () => {
    using shared = new SharedWords(64)
    const woken = () => Array.from(shared.words.subarray(2, 2 + shared.words[1]))
    const children = [await start(sleepBlocking, shared.at, 1), await start(sleepInEventLoop, shared.at, 2)]
    const own = lot.parkAsync(shared.at, 0).then(() => {
      shared.words[2 + Atomics.add(shared.words, 1, 1)] = 3
    })
    children.push(await start(sleepInEventLoop, shared.at, 4), await start(sleepBlocking, shared.at, 5))
    children.push(await start(sleepBlocking, shared.at, 6))

    assert.equal(lot.unpark(shared.at, 0), 0)
    for (const [count, expected] of [
      [1, [1]],
      [1, [1, 2]],
      [1, [1, 2, 3]],
      [1, [1, 2, 3, 4]]
    ] as const) {
      assert.equal(lot.unpark(shared.at, count), count)
      await until(() => Atomics.load(shared.words, 1) === expected.length, `${expected} are awake`)
      assert.deepEqual(woken(), expected)
    }
    assert.equal(sleeperCount(), 2)
    assert.equal(lot.unpark(shared.at, 10), 2)
    await own
    await until(() => Atomics.load(shared.words, 1) === 6, 'all are awake')
    shared.words[63] = 1
    await assertEnded(children)
    assert.deepEqual(woken().toSorted(), [1, 2, 3, 4, 5, 6])
    assert.equal(lot.hasSleepers(shared.at), false)
  })

  test('words that share a list are told apart', async () => {
    // More words than there are lists.
    using shared = new SharedWords(2000)
    const woken: number[] = []
    const asleep = Array.from({ length: 2000 }, (_, index) =>
      lot.parkAsync(shared.at + index * 4, 0).then(() => woken.push(index))
    )
    for (const index of [1999, 0, 1000, 3]) {
      assert.equal(lot.unpark(shared.at + index * 4), 1)
      await until(() => woken.at(-1) === index, `${index} is woken`)
    }
    assert.equal(woken.length, 4)
    for (let index = 0; index < 2000; index++) lot.unpark(shared.at + index * 4)
    await Promise.all(asleep)
    assert.equal(sleeperCount(), 0)
  })

  test('this blocked thread is woken by another process', async () => {
    using shared = new SharedWords(2)
    const child = new Process({ target: wakeOnCommand, args: [shared.at] })
    child.start()
    for (const timeout of [5000, undefined]) {
      if (Atomics.load(shared.words, 0) !== 0) break
      Atomics.store(shared.words, 1, 1)
      assert.notEqual(lot.park(shared.at, 0, timeout), 'timed-out')
    }
    assert.equal(Atomics.load(shared.words, 0), 1)
    await child.join()
    assert.equal(child.exitcode, 0)
  })

  test('a killed sleeper is passed over, and those behind it are woken', async () => {
    using shared = new SharedWords(64)
    for (const kind of [sleepBlocking, sleepInEventLoop]) {
      shared.words.fill(0)
      shared.words[63] = 1
      const dying = await start(kind, shared.at, 1)
      const living = await start(sleepBlocking, shared.at, 2)
      dying.kill()
      untilSync(() => !isAlive(ownerOf(dying.pid)), 'it is dead')
      // It has not been reaped yet: it takes the one wake-up with it.
      assert.equal(lot.unpark(shared.at, 1), 1)
      await Promise.all([dying.join(), living.join()])
      assert.deepEqual(Array.from(shared.words.subarray(1, 3)), [1, 2])
      assert.equal(sleeperCount(), 0)
    }
  })

  test('a killed sleeper leaves nothing', async () => {
    using shared = new SharedWords(64)
    const before = arena.liveBlocks
    const children = [await start(sleepBlocking, shared.at, 1), await start(sleepInEventLoop, shared.at, 2)]
    for (const child of children) child.kill()
    await Promise.all(children.map(child => child.join()))
    assert.equal(sleeperCount(), 0)
    assert.equal(lot.unpark(shared.at), 0)
    assert.equal(arena.liveBlocks, before)
  })

  test('a process that is stopped and continues sleeps on', async () => {
    using shared = new SharedWords(64)
    const children = [await start(sleepBlocking, shared.at, 1), await start(sleepInEventLoop, shared.at, 2)]
    for (const signal of ['SIGSTOP', 'SIGCONT'] as const) {
      for (const child of children) process.kill(child.pid as number, signal)
      await sleep(20)
    }
    assert.equal(sleeperCount(), 2)
    assert.equal(shared.words[1], 0)
    shared.words[63] = 1
    assert.equal(lot.unpark(shared.at), 2)
    await assertEnded(children)
  })
})
