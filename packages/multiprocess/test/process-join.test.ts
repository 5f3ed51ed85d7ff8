import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { waitable } from '../src/ground/waitable.ts'
import { activeChildren, currentProcess, Process, ValueError } from '../src/index.ts'
import * as targets from './fixtures/process/targets.ts'
import { runForJson, runProgram, Scratch } from './fixtures/process/tools.ts'

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process<never[]> {
  const child = new Process({ target, args: args as never[] })
  child.start()
  return child
}

async function timed<T>(action: () => T | Promise<T>): Promise<{ result: T; took: number }> {
  const began = performance.now()
  const result = await action()
  return { result, took: performance.now() - began }
}

describe('join', { timeout: 60_000 }, () => {
  test('resolves to true at the end, for all who wait, and ever after', async () => {
    const child = start(targets.wait, 30)
    assert.deepEqual(await Promise.all([child.join(), child.join(), child.join({ timeout: 30_000 })]), [
      true,
      true,
      true
    ])
    assert.equal(await child.join(), true)
    assert.equal(await child.join({ timeout: 0 }), true)
    assert.equal(child.joinSync(), true)
    assert.equal(child.joinSync({ timeout: 0 }), true)
  })

  test('resolves to false when its time is up, and the child goes on', async () => {
    const child = start(targets.stay)
    const soon = await timed(() => child.join({ timeout: 60 }))
    assert.equal(soon.result, false)
    assert.ok(soon.took >= 58 && soon.took < 2000, `${soon.took} ms`)
    for (const timeout of [0, -5, 0.1]) assert.equal(await child.join({ timeout }), false)
    assert.equal(child.isAlive(), true)
    child.kill()
    assert.equal(await child.join({ timeout: 30_000 }), true)
  })

  test('with a timeout longer than a timer can be waits', async () => {
    await using child = start(targets.stay)
    const joined = child.join({ timeout: 2 ** 31 })
    const infinite = child.join({ timeout: Number.POSITIVE_INFINITY })
    assert.equal(await Promise.race([joined, infinite, sleep(50, 'waiting')]), 'waiting')
    child.kill()
    assert.deepEqual(await Promise.all([joined, infinite]), [true, true])
  })

  test("rejects with the signal's reason", async () => {
    const child = start(targets.stay)
    const reason = new Error('enough')
    const controller = new AbortController()
    const joined = child.join({ signal: controller.signal, timeout: 30_000 })
    controller.abort(reason)
    await assert.rejects(joined, (error: unknown) => error === reason)
    await assert.rejects(child.join({ signal: controller.signal }), (error: unknown) => error === reason)
    await assert.rejects(child.join({ signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' })
    child.kill()
    const unused = new AbortController()
    assert.equal(await child.join({ signal: unused.signal }), true)
    unused.abort()
  })

  test('repeated with a timeout keeps nothing of those that timed out', async () => {
    await using child = start(targets.stay)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const joins = Array.from({ length: 50 }, () => new WeakRef(child.join({ timeout: 0.1 })))
    const end = performance.now() + 2000
    while (joins.some(join => join.deref() !== undefined) && performance.now() < end) {
      await sleep(20)
      collect()
    }
    const kept = joins.filter(join => join.deref() !== undefined).length
    assert.equal(kept, 0, `${kept} of 50 are still held`)
  })

  test('blocking, waits while the event loop stands still', async () => {
    const child = start(targets.wait, 150)
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    const short = await timed(() => child.joinSync({ timeout: 20 }))
    assert.equal(short.result, false)
    assert.ok(short.took >= 20 && short.took < 2000, `${short.took} ms`)
    assert.equal(child.joinSync({ timeout: 0 }), false)
    const before = ticks
    assert.equal(child.joinSync(), true)
    assert.equal(ticks, before)
    clearInterval(timer)
    assert.equal(child.exitcode, 0)
    assert.equal(await child.join(), true)
  })

  test('blocking, takes no processor time meanwhile', () => {
    const child = start(targets.wait, 300)
    const before = process.cpuUsage()
    assert.equal(child.joinSync({ timeout: 10_000 }), true)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 150_000, `${(user + system) / 1000} ms`)
  })

  test('is for children: not for this process, its parent, or one that has not started', async () => {
    await assert.rejects(currentProcess().join(), (error: unknown) => {
      assert.ok(error instanceof ValueError)
      assert.equal(error.message, 'cannot join MainProcess: it is not a child of this process')
      return true
    })
    assert.throws(() => currentProcess().joinSync(), ValueError)
    assert.throws(() => currentProcess().start(), ValueError)
    await using scratch = await Scratch.create({
      'targets.mjs': `
        import { parentProcess } from '%LIBRARY%'
        export async function joinParent() {
          console.log(JSON.stringify(await parentProcess().join().then(String, String)))
        }`
    })
    const text = `
      import { Process } from '%LIBRARY%'
      import { joinParent } from '${scratch.url('targets.mjs')}'
      new Process({ target: joinParent }).start()`
    assert.equal(await runForJson(text), 'ValueError: cannot join MainProcess: it is not a child of this process')
  })

  test('a program that waits in vain for nothing ends: join does not keep it alive once it is over', async () => {
    const { code, stdout } = await runProgram(`
      import { Process } from '%LIBRARY%'
      import { stay } from '%TARGETS%'
      const child = new Process({ target: stay, daemon: true })
      child.start()
      console.log(await child.join({ timeout: 50 }))
      await child.join({ signal: AbortSignal.timeout(50) }).catch(error => console.log(error.name))`)
    assert.deepEqual([code, stdout], [0, 'false\nTimeoutError\n'])
  })

  test('a join of a daemon keeps the program alive', async () => {
    const { code, stdout } = await runProgram(`
      import { Process } from '%LIBRARY%'
      import { wait } from '%TARGETS%'
      const child = new Process({ target: wait, args: [200], daemon: true })
      child.start()
      child.join().then(result => console.log(result, child.exitcode))`)
    assert.deepEqual([code, stdout], [0, 'true 0\n'])
  })
})

describe('children of this process', { timeout: 60_000 }, () => {
  test('are listed while they run', async () => {
    const others = activeChildren()
    const children = [start(targets.stay), start(targets.stay)]
    const ended = start(targets.nothing)
    const unstarted = new Process({ target: targets.stay })
    await ended.join()
    assert.deepEqual(activeChildren(), [...others, ...children])
    children[0].kill()
    children[0].joinSync()
    assert.deepEqual(activeChildren(), [...others, children[1]])
    children[1].kill()
    await children[1].join()
    assert.deepEqual(activeChildren(), others)
    assert.equal(unstarted.isAlive(), false)
  })

  test('20 at once all run, and each has its own pid and exit code', async () => {
    const children = Array.from({ length: 20 }, (_, index) => start(targets.exit, index))
    await Promise.all(children.map(child => child.join()))
    assert.deepEqual(
      children.map(child => child.exitcode),
      children.map((_, index) => index)
    )
    assert.equal(new Set(children.map(child => child.pid)).size, 20)
  })

  test('have a sentinel', async () => {
    const child = start(targets.nothing)
    assert.ok(waitable in child.sentinel)
    await child.join()
    assert.ok(waitable in child.sentinel)
  })

  test('are terminated and waited for where their scope ends', async () => {
    let pid: number | null
    {
      await using child = start(targets.stay)
      pid = child.pid
      assert.equal(child.isAlive(), true)
    }
    assert.throws(() => process.kill(pid as number, 0), { code: 'ESRCH' })
    {
      await using unstarted = new Process({ target: targets.stay })
      assert.equal(unstarted.pid, null)
    }
    const ended = start(targets.exit, 4)
    await ended.join()
    await ended[Symbol.asyncDispose]()
    await ended[Symbol.asyncDispose]()
    assert.throws(() => ended.exitcode, ValueError)
  })
})
