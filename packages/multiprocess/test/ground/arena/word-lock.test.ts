import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ARENA_BYTES, WINDOW_BYTES } from '../../../src/ground/arena/layout.ts'
import { type Backing, Memory } from '../../../src/ground/arena/memory.ts'
import { WordLock } from '../../../src/ground/arena/word-lock.ts'
import { currentFamily } from '../../../src/ground/family.ts'
import { Process } from '../../../src/index.ts'
import { isAlive, lockAt, SharedWords } from '../../fixtures/process/ground.ts'
import { holdLock, increment, waitForLock, waitForLockWithoutFiles } from '../../fixtures/process/ground-targets.ts'
import { until, untilSync } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

function startAll(children: Process<never[]>[]): void {
  for (const child of children) child.start()
}

async function endAll(children: Process<never[]>[]): Promise<(number | null)[]> {
  await Promise.all(children.map(child => child.join()))
  return children.map(child => child.exitcode)
}

describe('the lock on a word', { timeout: limit(60_000) }, () => {
  test('4 processes count to 1,000,000 under the lock, in a word that is not atomic', async () => {
    using shared = new SharedWords(3)
    const children = [1, 2, 3, 4].map(() => new Process({ target: increment, args: [shared.at, 250_000, 4] }))
    startAll(children)
    assert.deepEqual(await endAll(children), [0, 0, 0, 0])
    assert.equal(shared.words[2], 1_000_000)
    assert.equal(shared.words[0], 0, 'it is free, and nobody sleeps')
  })

  test('the lock makes no system call without contention', () => {
    const { lock, calls } = lockOfOwn()
    for (let round = 0; round < 100_000; round++) {
      assert.equal(lock.acquire(), false)
      lock.release()
    }
    assert.deepEqual(calls, [])
  })

  test('a release wakes one sleeper, and a process that has slept expects further sleepers', () => {
    const { lock, calls, words, sleep } = lockOfOwn()
    const other = 9
    const withSleepers = (owner: number) => owner | 0x40000000
    words[256] = other
    sleep.push(() => {
      assert.equal(words[256], withSleepers(other))
      words[256] = 0
    })
    assert.equal(lock.acquire(), false)
    assert.equal(words[256], withSleepers(7))
    lock.release()
    assert.equal(words[256], 0)
    assert.deepEqual(calls, ['wait', 'wake 1'])
  })

  test('the first sleeper that looks after its holder was killed takes the lock, and learns of the death', async t => {
    using shared = new SharedWords(4)
    const holder = new Process({ target: holdLock, args: [shared.at, 60_000] })
    holder.start()
    await until(() => Atomics.load(shared.words, 1) === 1, 'the child holds the lock')
    holder.kill()
    const { memory, self } = currentFamily()
    const wait = t.mock.method(memory, 'wait')
    const looks: boolean[] = []
    const lock = new WordLock(memory, shared.at, self, owner => {
      looks.push(isAlive(owner))
      return looks.at(-1) as boolean
    })
    // This thread is blocked, so that nobody reaps the child meanwhile.
    assert.equal(lock.acquire(), true)
    assert.equal(looks.indexOf(false), looks.length - 1, `alive at each look: ${looks}`)
    const sleeps = wait.mock.calls.filter(call => call.arguments[0] === shared.at && call.result === 'timed-out')
    assert.ok(
      sleeps.every(sleep => sleep.arguments[2] <= 1000),
      'it sleeps no longer than a second'
    )
    assert.equal(sleeps.length, looks.length, 'it looks after each sleep that ran out')
    lockAt(shared.at).release()
    assert.equal(lockAt(shared.at).acquire(), false, 'the next one is not told')
    lockAt(shared.at).release()
    await holder.join()
  })

  test('one of the sleepers learns of the death, and all of them get the lock', async () => {
    using shared = new SharedWords(4)
    const holder = new Process({ target: holdLock, args: [shared.at, 60_000] })
    holder.start()
    await until(() => Atomics.load(shared.words, 1) === 1, 'the child holds the lock')
    const waiters = [1, 2, 3].map(() => new Process({ target: waitForLock, args: [shared.at] }))
    startAll(waiters)
    await until(() => Atomics.load(shared.words, 1) === 4, 'all want the lock')
    await sleep(50)
    assert.equal(shared.words[2], 0)
    holder.kill()
    untilSync(() => Atomics.load(shared.words, 2) === 3, 'all got it', 2000)
    assert.deepEqual(await endAll(waiters), [0, 0, 0])
    assert.equal(shared.words[3], 1, 'one was told')
    assert.equal(shared.words[0], 0)
    await holder.join()
  })

  test('a holder that is only slow, or stopped, keeps the lock', async () => {
    using shared = new SharedWords(4)
    const holder = new Process({ target: holdLock, args: [shared.at, 700] })
    holder.start()
    await until(() => Atomics.load(shared.words, 1) === 1, 'the child holds the lock')
    process.kill(holder.pid as number, 'SIGSTOP')
    const waiter = new Process({ target: waitForLock, args: [shared.at] })
    waiter.start()
    await until(() => Atomics.load(shared.words, 1) === 2, 'another wants the lock')
    await sleep(400)
    assert.equal(shared.words[2], 0, 'nobody got it from one that is stopped')
    process.kill(holder.pid as number, 'SIGCONT')
    assert.deepEqual(await endAll([holder, waiter]), [0, 0])
    assert.deepEqual([shared.words[2], shared.words[3]], [1, 0])
  })

  test('a holder counts as living if its state cannot be read because no more files can be opened', async () => {
    using shared = new SharedWords(4)
    const holder = new Process({ target: holdLock, args: [shared.at, 700] })
    holder.start()
    await until(() => Atomics.load(shared.words, 1) === 1, 'the child holds the lock')
    const waiter = new Process({ target: waitForLockWithoutFiles, args: [shared.at] })
    waiter.start()
    assert.deepEqual(await endAll([holder, waiter]), [0, 0])
    assert.deepEqual([shared.words[2], shared.words[3]], [1, 0])
  })

  test('the lock of the arena is a lock on a word, and lies in the family', () => {
    const { memory, arena } = currentFamily()
    const { backing } = memory
    const { wait } = backing
    let waits = 0
    backing.wait = (...args) => {
      waits++
      return wait.apply(backing, args)
    }
    try {
      for (let round = 0; round < 1000; round++) arena.free(arena.allocate(64))
    } finally {
      backing.wait = wait
    }
    assert.equal(waits, 0)
  })
})

/** A lock in memory of its own, whose holder lives; the calls that it makes, and what happens while it sleeps. */
function lockOfOwn(): { lock: WordLock; calls: string[]; words: Int32Array; sleep: (() => void)[] } {
  const calls: string[] = []
  const sleep: (() => void)[] = []
  const buffer = new ArrayBuffer(WINDOW_BYTES)
  const backing: Backing = {
    length: ARENA_BYTES,
    map: () => ({ buffer, start: 0, address: 0 }),
    unmap: () => {},
    wait: () => {
      calls.push('wait')
      sleep.shift()?.()
      return 'woken'
    },
    wake: (_address, count) => {
      calls.push(`wake ${count}`)
      return 0
    },
    discard: () => {}
  }
  const memory = new Memory(backing)
  return { lock: new WordLock(memory, 1024, 7, () => true), calls, words: memory.first.words, sleep }
}
