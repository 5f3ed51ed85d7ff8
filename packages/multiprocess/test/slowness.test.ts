/** The limits of the tests themselves. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { processStatus } from '../src/ground/os/process-status.ts'
import { limit, slowness, slownessOf } from './fixtures/slowness.ts'

const SLOWNESS = new URL('./fixtures/slowness.js', import.meta.url).href

describe('time limits of tests', { timeout: limit(60_000) }, () => {
  test('limits are unchanged on a machine of the usual speed, and never shrink', () => {
    assert.equal(slownessOf({ startMs: 40, load: 4, processors: 2 }), 1)
    assert.equal(slownessOf({ startMs: 5, load: 0, processors: 64 }), 1)
  })

  test('limits grow with the start of Node and with the load of each processor, by the larger of both', () => {
    assert.equal(slownessOf({ startMs: 200, load: 0, processors: 2 }), 5)
    assert.equal(slownessOf({ startMs: 40, load: 25, processors: 2 }), 6.25)
    assert.equal(slownessOf({ startMs: 400, load: 25, processors: 2 }), 10)
  })

  test('limits have a maximum, so that a hang is reported', () => {
    assert.equal(slownessOf({ startMs: 1e6, load: 1e4, processors: 1 }), 20)
  })

  test('limits are those of this machine at this moment', () => {
    assert.ok(slowness() >= 1 && slowness() <= 20, `${slowness()}`)
    assert.ok(limit(1000) >= 1000 && limit(1000) <= 20_000, `${limit(1000)}`)
  })

  test('limits grow in a process that was kept from the processor while it started', async () => {
    // The process is stopped as soon as it runs Node; one that was ready before that measures nothing, and another one is started.
    for (let attempt = 0; attempt < 50; attempt++) {
      const code = `import('${SLOWNESS}').then(({ slowness }) => console.log(slowness()))`
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      let stdout = ''
      child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
      const over = new Promise(resolve => child.once('close', resolve))
      await sleep(attempt % 10)
      child.kill('SIGSTOP')
      while (!['T', 'Z', undefined].includes(processStatus(child.pid as number)?.state)) await sleep(1)
      await sleep(500)
      child.kill('SIGCONT')
      await over
      if (Number(stdout) >= 500 / 40) return
    }
    assert.fail('no process that was stopped for 500 ms while it started was slow')
  })
})
