import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { endSetUps, SET_UP_BYTES } from '../../../src/ground/os/set-up.ts'
import { runProgram } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const threads = new URL('../../../src/threads.js', import.meta.url).href

describe('set-ups of a thread', { timeout: limit(120_000) }, () => {
  test('who stops a thread waits for the end of its set-up, after which it does nothing more', async () => {
    const setUps = new SharedArrayBuffer(SET_UP_BYTES)
    const words = new Int32Array(new SharedArrayBuffer(16))
    const main = new URL('../../fixtures/threads/set-up.js', import.meta.url)
    const worker = new Worker(main, { workerData: { setUps, words } })
    await Atomics.waitAsync(words, 0, 0).value
    const helper = new Worker(
      `const { words } = require('node:worker_threads').workerData
       Atomics.wait(words, 2, 0, 200)
       Atomics.store(words, 1, 1)
       Atomics.notify(words, 1)`,
      { eval: true, workerData: { words } }
    )
    endSetUps(setUps)
    assert.deepEqual([...words], [1, 1, 1, 0])
    await worker.terminate()
    await helper.terminate()
    assert.equal(words[3], 0)
  })

  test('threads that are killed, or exited from, while they load what processes share abort nothing', async () => {
    for (const end of ['kill', 'exit']) {
      const { code, signal, stderr } = await runProgram(`
        import { setTimeout as sleep } from 'node:timers/promises'
        import * as processes from '%LIBRARY%'
        import * as threads from '${threads}'
        const lock = new processes.Lock()
        const shared = processes.Array('i', 1000)
        for (let round = 0; round < 12; round++) {
          const family = Array.from({ length: 3 }, () => {
            const thread = new threads.Process({ target: (lock, shared) => { for (;;) { lock.acquireSync(); shared[0]++; lock.release() } }, args: [lock, shared] })
            thread.start()
            return thread
          })
          await sleep(20 + round * 12)
          if (${JSON.stringify(end)} === 'exit' && round === 11) process.exit(0)
          for (const thread of family) thread.kill()
          for (const thread of family) await thread.join()
        }`)
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    }
  })
})
