import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Pool, Process, ShareableList, SharedMemory } from '../../src/index.ts'
import * as targets from '../fixtures/memory/targets.ts'
import { runProgram } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

describe('shared memory crosses as itself', { timeout: limit(60_000) }, () => {
  test('shared memory crosses in arguments and results, within other values, and as captured variables', async () => {
    using shm = new SharedMemory({ create: true, size: 10 })
    const list = new ShareableList<string | number>(['not seen', 2])
    await using pool = new Pool(2)
    assert.equal(await pool.apply(targets.addOne, [shm]), 1)
    assert.deepEqual(await pool.map(targets.addOne, [shm, shm]).then(all => all.sort()), [2, 3])
    assert.deepEqual(await pool.apply(targets.lastOf, [{ list, shm: new Map([['memory', shm]]) }]), [
      2,
      2,
      10,
      true,
      true
    ])
    assert.deepEqual([shm.buf[9], list.at(0)], [9, 'seen'])
    await pool.apply(() => {
      shm.buf[5] = 55
      list.set(1, 66)
    })
    assert.deepEqual([shm.buf[5], list.at(1)], [55, 66])
    const [result, made] = await Promise.all([
      pool.apply(targets.createFilled, [100, 7]),
      pool.apply(targets.createList)
    ])
    assert.ok(result instanceof SharedMemory && made instanceof ShareableList)
    assert.deepEqual([result.size, result.buf[99], ...made], [100, 7, 'of a child', 1n])
    const [same, again] = await pool.apply(
      (...args: SharedMemory[]) => [args[0] === args[1], args[0]] as const,
      [shm, shm]
    )
    assert.equal(same, true)
    assert.equal((again as SharedMemory).name, shm.name)
    for (const each of [shm, list.shm, result, made.shm]) each.unlink()
  })

  test('a process that gets a segment with every message maps it once, and keeps no file open', async () => {
    using shm = new SharedMemory({ create: true, size: 1000 })
    const list = new ShareableList([0])
    await using pool = new Pool(1)
    const [first] = await pool.map(targets.countMappings, [{ shm, list }])
    for (let i = 0; i < 20; i++) await pool.map(targets.countMappings, new Array(50).fill({ shm, list }), 1)
    const last = await pool.apply(targets.countMappings, [{ shm, list }])
    assert.deepEqual([first.files, last.files], [2, 2])
    // Node and the pool open a few of their own on the way.
    assert.ok(last.descriptors < first.descriptors + 10, `${last.descriptors} after ${first.descriptors}`)
    assert.equal(list.at(0), 1002)
    list.shm.unlink()
    shm.unlink()
  })

  test('shared memory crosses to grandchildren', async () => {
    using shm = new SharedMemory({ create: true, size: 10 })
    const child = new Process({ target: targets.passOn, args: [shm] })
    child.start()
    await child.join()
    assert.deepEqual([child.exitcode, shm.buf[0]], [0, 2])
    shm.unlink()
  })

  test('shared memory that is closed here can still be sent', async () => {
    const shm = new SharedMemory({ create: true, size: 10 })
    shm.close()
    await using pool = new Pool(1)
    assert.equal(await pool.apply(targets.addOne, [shm]), 1)
    shm.unlink()
    await assert.rejects(async () => pool.apply(targets.addOne, [shm]), { code: 'ENOENT' })
    using next = new SharedMemory({ name: shm.name, create: true, size: 10 })
    await assert.rejects(async () => pool.apply(targets.addOne, [shm]), {
      code: 'ENOENT',
      message: /: it does not exist; it was never created, or it has been unlinked$/
    })
    next.unlink()
  })

  test('segments of a thread last as long as its process, and no longer', async () => {
    const { stdout, stderr } = await runProgram(`
      import { existsSync } from 'node:fs'
      import { Pool } from '${new URL('../../src/threads.js', import.meta.url).href}'
      import { createFilled } from '%MEMORY%'
      const pool = new Pool(1)
      const { name } = await pool.apply(createFilled, [10, 1])
      pool.terminate()
      await pool.join()
      console.log(existsSync('/dev/shm/' + name), name)`)
    const [stayed, name] = stdout.trim().split(' ')
    assert.equal(stayed, 'true', stderr)
    const end = performance.now() + limit(2000)
    while (readdirSync('/dev/shm').includes(name)) assert.ok(performance.now() < end, 'it is unlinked')
  })
})
