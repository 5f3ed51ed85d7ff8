import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { currentFamily } from '../../../src/ground/family.ts'
import { system } from '../../../src/ground/os/system.ts'
import { Process } from '../../../src/index.ts'
import { ownerOf, SharedWords, sleeperCount } from '../../fixtures/process/ground.ts'
import {
  dieBeforeRinging,
  dieWithMarkedSleeper,
  echo,
  sleepInEventLoop,
  sleepOnMany
} from '../../fixtures/process/ground-targets.ts'
import { runProgram, until } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const { lot, self } = currentFamily()

/** How often this process writes to a doorbell while `action` runs. */
async function countRings(action: () => unknown): Promise<number> {
  const calls = system()
  const { write } = calls
  let count = 0
  calls.write = (...args) => {
    count++
    return write(...args)
  }
  try {
    await action()
  } finally {
    calls.write = write
  }
  return count
}

describe('an event loop', { timeout: limit(60_000) }, () => {
  test('1,000 sleepers of one process are woken by one ring, and by none while the process is awake', async () => {
    const count = 1000
    using shared = new SharedWords(3 + count)
    const child = new Process({ target: sleepOnMany, args: [shared.at, count] })
    child.start()
    await until(() => Atomics.load(shared.words, 0) === 1, 'all sleep, and the event loop is kept from turning')
    assert.equal(sleeperCount(), count)
    const rings = await countRings(() => {
      for (let index = 0; index < count; index++) assert.equal(lot.unpark(shared.at + (3 + index) * 4), 1)
    })
    assert.equal(rings, 1)
    Atomics.store(shared.words, 1, 1)
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.equal(shared.words[2], count)
    assert.equal(sleeperCount(), 0)
  })

  test('an event loop is rung again once it sleeps again, at most once for each wake-up', async () => {
    const rounds = 200
    using shared = new SharedWords(2)
    const child = new Process({ target: echo, args: [shared.at, rounds] })
    child.start()
    const rings = await countRings(async () => {
      for (let round = 0; round < rounds; round++) {
        Atomics.store(shared.words, 0, round + 1)
        lot.unpark(shared.at)
        while (Atomics.load(shared.words, 1) === round)
          await lot.parkAsync(shared.at + 4, round, { timeout: limit(10_000) })
      }
    })
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.ok(rings <= rounds, `${rings} rings`)
  })

  test('an event loop that waits uses no processor', async () => {
    using shared = new SharedWords(64)
    const child = new Process({ target: sleepInEventLoop, args: [shared.at, 1] })
    child.start()
    await until(() => sleeperCount() === 1, 'the child sleeps')
    const ticks = () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1].split(' ')
      return Number(fields[11]) + Number(fields[12])
    }
    const wakes = () =>
      Number(readFileSync(`/proc/${child.pid}/status`, 'latin1').match(/^voluntary_ctxt_switches:\s+(\d+)/m)?.[1])
    await new Promise(resolve => setTimeout(resolve, 200))
    const before = { ticks: ticks(), wakes: wakes() }
    await new Promise(resolve => setTimeout(resolve, 1000))
    const spent = ticks() - before.ticks
    const woken = wakes() - before.wakes
    shared.words[63] = 1
    lot.unpark(shared.at)
    await child.join()
    assert.ok(spent <= 1, `${spent} ticks of 10 ms in a second`)
    assert.ok(woken <= 5, `its main thread was woken ${woken} times in a second`)
  })

  test('an event loop keeps the program alive only while something waits in it', async () => {
    const outcome = await runProgram(`
      import { currentFamily } from '%FAMILY%'
      const { lot, arena } = currentFamily()
      const at = arena.allocate(4)
      await lot.parkAsync(at, -1)
      const begin = performance.now()
      setTimeout(() => lot.unpark(at), 200).unref()
      lot.parkAsync(at, 0).then(result => console.log(result, performance.now() - begin >= 190))
    `)
    assert.deepEqual(outcome, { code: 0, signal: null, stdout: 'woken true\n', stderr: '' })
  })

  test('a waker that dies after it took the right to ring, and before it rang, leaves no process asleep', async () => {
    using shared = new SharedWords(1)
    const child = new Process({ target: dieBeforeRinging, args: [shared.at, self] })
    child.start()
    // Without a timer that would make up for the ring.
    assert.equal(await lot.parkAsync(shared.at, 0), 'woken')
    await child.join()
    assert.equal(child.exitcode, -9)
  })

  test('a waker of another process that dies leaves no process asleep', async () => {
    using shared = new SharedWords(64)
    shared.words[63] = 1
    const sleeper = new Process({ target: sleepInEventLoop, args: [shared.at, 1] })
    sleeper.start()
    await until(() => sleeperCount() === 1, 'the child sleeps')
    const waker = new Process({ target: dieBeforeRinging, args: [shared.at, ownerOf(sleeper.pid)] })
    waker.start()
    await waker.join()
    const isWoken = await sleeper.join({ timeout: limit(5000) })
    sleeper.kill()
    await sleeper.join()
    assert.equal(isWoken, true, 'the sleeper was woken')
    assert.equal(sleeper.exitcode, 0)
  })

  test('a waker that dies after it marked a sleeper, and before it took it out of the list, breaks no list', async () => {
    using shared = new SharedWords(64)
    for (let round = 0; round < 3; round++) {
      const first = lot.parkAsync(shared.at, 0)
      const second = lot.parkAsync(shared.at, 0)
      const child = new Process({ target: dieWithMarkedSleeper, args: [shared.at] })
      child.start()
      // Its node goes back to this process, which uses it for the next sleep, on another word.
      assert.equal(await first, 'woken')
      const others = Array.from({ length: 20 }, (_, index) => lot.parkAsync(shared.at + (index + 1) * 4, 0))
      await child.join()
      assert.equal(child.exitcode, -9)
      assert.equal(await second, 'woken', 'a death wakes all')
      lot.unpark(shared.at)
      for (let index = 0; index < 20; index++) lot.unpark(shared.at + (index + 1) * 4)
      await Promise.all(others)
      assert.equal(sleeperCount(), 0, `round ${round}: no list holds anybody`)
      const woken = lot.parkAsync(shared.at, 0, { timeout: limit(5000) })
      assert.equal(lot.unpark(shared.at), 1)
      assert.equal(await woken, 'woken')
    }
  })
})
