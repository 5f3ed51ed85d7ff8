/** Processes, and threads, that were started before there was anything to run. */
import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import os from 'node:os'
import { describe, test } from 'node:test'
import { currentFamily } from '../../src/ground/family.ts'
import * as processes from '../../src/index.ts'
import * as threads from '../../src/threads.ts'
import { circumstances, circumstancesOf, exitWith, putSum, stayUntilKilled } from '../fixtures/process/reserve.ts'
import { isPidRunning, runProgram, until, untilSync } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const { Process, Queue, ValueError } = processes

/** Members of the family that wait for work. */
function idle(method: processes.StartMethod = 'spawn'): number[] {
  const { table, self } = currentFamily(method)
  return [...table.members()].filter(id => table.isLive(id) && id !== self && !table.hasWork(id))
}

const pidsOf = (ids: number[]) => ids.map(id => currentFamily().table.pid(id))

/** Starts one so that `count` are ready afterwards, and waits for these. */
async function fill(
  count: number,
  face: Pick<typeof processes, 'Process'> = processes,
  method: processes.StartMethod = 'spawn'
): Promise<void> {
  const child = new face.Process({ target: exitWith, args: [0], reserve: count })
  child.start()
  await child.join()
  await until(() => idle(method).length === count, `${count} are ready`)
}

describe('a reserve', { timeout }, () => {
  test('a process of the reserve gets the next start, and the reserve is refilled', async () => {
    await fill(2)
    const ready = pidsOf(idle())
    const child = new Process({ target: exitWith, args: [3], name: 'warm', reserve: 2 })
    child.start()
    assert.ok(ready.includes(child.pid as number))
    assert.deepEqual(processes.activeChildren(), [child])
    assert.equal(await child.join(), true)
    assert.equal(child.exitcode, 3)
    await until(() => idle().length === 2, 'two are ready again')
  })

  test('a start that does not ask for the reserve leaves it alone, and a start with 0 ends it', async () => {
    await fill(1)
    const ready = pidsOf(idle())
    const cold = new Process({ target: exitWith, args: [0] })
    cold.start()
    assert.ok(!ready.includes(cold.pid as number))
    await cold.join()
    assert.deepEqual(pidsOf(idle()), ready)
    await fill(3)
    await fill(0)
    assert.deepEqual(idle(), [])
  })

  test('a start from the reserve has its name, daemon, key, arguments, environment, directory and program arguments', async () => {
    const queue = new Queue<ReturnType<typeof circumstancesOf>>()
    const folder = process.cwd()
    for (const change of [
      () => {},
      () => {
        process.env['MULTIPROCESS_TEST'] = 'changed'
      },
      () => process.chdir(os.tmpdir()),
      () => process.argv.push('more'),
      () => {
        processes.currentProcess().authkey = new Uint8Array([1, 2, 3])
      }
    ]) {
      await fill(1)
      change()
      for (const reserve of [undefined, 1]) {
        const child = new Process({ target: circumstances, args: [queue], name: 'of mine', daemon: true, reserve })
        child.start()
        const found = await queue.get()
        await child.join()
        assert.deepEqual(found, {
          ...circumstancesOf(),
          name: 'of mine',
          daemon: true,
          pid: child.pid,
          ppid: process.pid
        })
      }
    }
    process.argv.pop()
    process.chdir(folder)
    delete process.env['MULTIPROCESS_TEST']
    assert.equal(realpathSync('.'), realpathSync(folder))
    await fill(0)
  })

  test('a reserve whose process is killed while it waits makes no start fail', async () => {
    await fill(2)
    const [first] = pidsOf(idle())
    process.kill(first, 'SIGKILL')
    untilSync(() => !isPidRunning(first), 'it is gone')
    const children = [1, 2, 3].map(() => new Process({ target: exitWith, args: [5], reserve: 0 }))
    for (const child of children) child.start()
    assert.ok(!children.some(child => child.pid === first))
    for (const child of children) await child.join()
    assert.deepEqual(
      children.map(({ exitcode }) => exitcode),
      [5, 5, 5]
    )
    await until(() => idle().length === 0, 'none is left')
  })

  test('processes of a reserve are signalled, killed and joined like any other', async () => {
    await fill(1)
    const queue = new Queue<string>()
    for (const [signal, exitcode] of [
      ['terminate', -15],
      ['kill', -9],
      ['interrupt', -2]
    ] as const) {
      const child = new Process({ target: stayUntilKilled, args: [queue], reserve: 1 })
      child.start()
      assert.equal(await queue.get(), 'here')
      assert.equal(await child.join({ timeout: 1 }), false)
      child[signal]()
      assert.equal(child.joinSync(), true)
      assert.equal(child.exitcode, exitcode)
      await until(() => idle().length === 1, 'one is ready')
    }
    await fill(0)
  })

  test('a start from the reserve takes arguments of any length, and shared objects', async () => {
    const queue = new Queue<number>()
    for (const length of [3_000_000, 40_000_000]) {
      await fill(1)
      const bytes = new Uint8Array(length).fill(7)
      const child = new Process({ target: putSum, args: [queue, bytes], reserve: 0 })
      child.start()
      assert.equal(await queue.get(), length + 7)
      await child.join()
      assert.equal(child.exitcode, 0)
    }
  })

  test('a thread of the reserve gets the next start', async () => {
    await fill(1, threads, 'thread')
    const [ready] = idle('thread')
    const child = new threads.Process({ target: exitWith, args: [4], reserve: 1 })
    child.start()
    assert.equal(child.pid, currentFamily('thread').table.pid(ready))
    await child.join()
    assert.equal(child.exitcode, 4)
    await fill(0, threads, 'thread')
    await until(() => idle('thread').length === 0, 'none is left')
  })

  for (const face of ['index', 'threads']) {
    test(`a reserve lets the program end, and leaves nothing: ${face}`, async () => {
      const url = new URL(`../../src/${face}.js`, import.meta.url).href
      const { code, stdout, stderr } = await runProgram(`
        import { Process } from ${JSON.stringify(url)}
        const child = new Process({ target: () => console.log('ran'), reserve: 2 })
        child.start()
        await child.join()
        await new Promise(resolve => setTimeout(resolve, 50))
        console.log('done')
      `)
      assert.deepEqual([code, stdout, stderr], [0, 'ran\ndone\n', ''])
    })
  }

  test('the size of a reserve must be a whole number of 0 or more', () => {
    for (const reserve of [-1, 1.5, Number.NaN]) assert.throws(() => new Process({ reserve }), ValueError)
    for (const reserve of ['1', null, {}]) assert.throws(() => new Process({ reserve: reserve as never }), TypeError)
  })
})
