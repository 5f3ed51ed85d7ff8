import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { currentProcess, Process, ValueError } from '../../src/index.ts'
import { collectGarbage } from '../fixtures/garbage.ts'
import * as targets from '../fixtures/process/targets.ts'
import { runForJson, runProgram, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

function start(target: (...args: never[]) => unknown, ...args: unknown[]): Process<never[]> {
  const child = new Process({ target, args: args as never[] })
  child.start()
  return child
}

describe('join', { timeout: limit(60_000) }, () => {
  test('a join that times out again and again keeps nothing', async () => {
    await using child = start(targets.stay)
    const joins = Array.from({ length: 50 }, () => new WeakRef(child.join({ timeout: 0.1 })))
    const end = performance.now() + limit(2000)
    while (joins.some(join => join.deref() !== undefined) && performance.now() < end) {
      await sleep(20)
      collectGarbage()
    }
    const kept = joins.filter(join => join.deref() !== undefined).length
    assert.equal(kept, 0, `${kept} of 50 are still held`)
  })

  test('a blocking join takes no processor time', () => {
    const child = start(targets.wait, 300)
    const before = process.cpuUsage()
    assert.equal(child.joinSync({ timeout: limit(10_000) }), true)
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 150_000, `${(user + system) / 1000} ms`)
  })

  test('join is refused for this process, its parent, and a process that has not started', async () => {
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

  test('a program ends after a join that timed out', async () => {
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

describe('children of this process', { timeout: limit(60_000) }, () => {
  test('children are terminated and waited for where their scope ends', async () => {
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
