import assert from 'node:assert/strict'
import { describe, mock, test } from 'node:test'
import { monotonicMs } from '../../../src/ground/os/time.ts'
import { startTimer } from '../../../src/ground/os/timer.ts'
import { limit } from '../../fixtures/slowness.ts'

describe('startTimer', { timeout: limit(60_000) }, () => {
  test('no timer is early', async () => {
    const early: string[] = []
    const one = (ms: number) =>
      new Promise<void>(resolve => {
        const end = monotonicMs() + ms
        startTimer(() => {
          if (monotonicMs() < end) early.push(`${ms} ms: ${end - monotonicMs()} ms too early`)
          resolve()
        }, ms)
      })
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 25 }, (_, i) => one(1 + i * 0.7 + Math.random())))
    }
    assert.deepEqual(early, [])
  })

  test('a stopped timer does not fire, and a timer of Infinity never does', async () => {
    const calls: string[] = []
    const stop = startTimer(() => calls.push('stopped'), 5)
    startTimer(() => calls.push('never'), Number.POSITIVE_INFINITY)()
    stop()
    await new Promise<void>(resolve => startTimer(resolve, 30))
    assert.deepEqual(calls, [])
  })

  test('a timer that waits for the rest of its time can be stopped', async () => {
    // 300 of them are stopped around their time: whether it came before its stop or not, it does not come after it.
    const late: number[] = []
    for (let i = 0; i < 300; i++) {
      let isStopped = false
      const stop = startTimer(() => isStopped && late.push(i), 1)
      const end = performance.now() + (i % 30) / 15
      await new Promise<void>(resolve => setImmediate(resolve))
      while (performance.now() < end);
      isStopped = true
      stop()
    }
    await new Promise<void>(resolve => startTimer(resolve, 10))
    assert.deepEqual(late, [])
  })

  test('a faked clock of the program does not stop a timer', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    try {
      await new Promise<void>(resolve => startTimer(resolve, 20))
    } finally {
      mock.timers.reset()
    }
  })
})
