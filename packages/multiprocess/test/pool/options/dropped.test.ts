/** Pools that a program drops without closing them: they are collected, and their workers end. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as threads from 'multiprocess/threads'
import { Pool } from '../../../src/index.ts'
import { collectGarbage } from '../../fixtures/garbage.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { range, until } from '../../fixtures/pool/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(60_000)

interface Warned extends Error {
  readonly code?: string
}

/** Runs `use`, and collects garbage until a pool of so many workers was told to be dropped. @returns the warning */
async function dropping(count: number, use: () => Promise<void>): Promise<Warned> {
  const warnings: Warned[] = []
  const isOurs = ({ code, message }: Warned) =>
    code === 'MULTIPROCESS_POOL_DROPPED' && message.startsWith(`a pool of ${count} workers`)
  const listener = (warning: Warned) => void (isOurs(warning) && warnings.push(warning))
  process.on('warning', listener)
  try {
    await use()
    await until(() => {
      collectGarbage()
      return warnings.length > 0
    }, 'a pool is dropped')
    assert.equal(warnings.length, 1)
    return warnings[0]
  } finally {
    process.off('warning', listener)
  }
}

for (const [ground, Pool_] of [
  ['processes', Pool],
  ['threads', threads.Pool as typeof Pool]
] as const) {
  describe(`a pool over ${ground}`, { timeout }, () => {
    test('a dropped pool warns, and its workers end', { timeout }, async () => {
      const stops: (() => boolean)[] = []
      const warning = await dropping(2, async () => {
        const pool = new Pool_(2)
        assert.equal(await pool.apply(tasks.square, [3]), 9)
        const ended = new Set<unknown>()
        const { subscribe, unsubscribe } = process.getBuiltinModule('node:diagnostics_channel')
        const listener = (message: unknown) => void ended.add((message as { pid: number }).pid)
        subscribe('multiprocess:pool:worker:end', listener)
        const pids = pool.stats.workers.map(({ pid }) => pid)
        stops.push(() => {
          const isOver = pids.every(pid => ended.has(pid))
          if (isOver) unsubscribe('multiprocess:pool:worker:end', listener)
          return isOver
        })
      })
      assert.deepEqual([warning.name, warning.code], ['ResourceWarning', 'MULTIPROCESS_POOL_DROPPED'])
      assert.match(warning.message, /^a pool of 2 workers was dropped without close\(\) or terminate\(\)/)
      await until(() => stops[0](), 'its workers end')
    })

    test('a dropped pool finishes its tasks', { timeout }, async () => {
      const results: Promise<number[]>[] = []
      await dropping(3, async () => {
        results.push(new Pool_(3).map(tasks.square, range(2000)))
      })
      assert.deepEqual(await results[0], range(2000).map(tasks.square))
    })

    test('a pool lives as long as an iterator of it does', { timeout }, async () => {
      function* endless(): Generator<number> {
        for (let n = 0; ; n++) yield n
      }
      const results = new Pool_(1).imap(tasks.square, endless())
      for (const n of range(20)) {
        collectGarbage()
        assert.equal((await results.next()).value, n * n)
      }
      await results.return()
    })

    test('a closed pool is dropped without a warning', { timeout }, async () => {
      const warning = await dropping(4, async () => {
        const closed = new Pool_(4)
        closed.close()
        await closed.join()
        const ended = new Pool_(4)
        ended.terminate()
        // The one that the warning is about.
        new Pool_(4)
      })
      assert.equal(warning.name, 'ResourceWarning')
    })
  })
}
