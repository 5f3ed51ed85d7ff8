import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool, RawValue } from '../../src/index.ts'
import * as dying from '../fixtures/pool/dying.ts'
import { consumeMany, countAndSpin, isTheOne, mapWhileKilled, runMany } from '../fixtures/pool/long-run.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import {
  Gate,
  isPidRunning,
  liveBlocks,
  Program,
  range,
  Scratch,
  untilBlocks,
  workers
} from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(200_000)

test('memory does not grow with the number of tasks', { timeout }, () => runMany(1_000_000))

test('a map with retries has all results although workers are killed', { timeout }, async () => {
  await new Pool(1)[Symbol.asyncDispose]()
  const blocks = liveBlocks()
  let kills = 0
  for (let seed = 1; kills < 5; seed++) kills += await mapWhileKilled(40_000, 60, seed)
  await untilBlocks(blocks)
})

test('2,000,000 submissions run in flat memory while their results are consumed', { timeout }, () =>
  consumeMany(2_000_000)
)

test('leaving an imap at the first matching result stops everything: the others never run, and all processes are gone', {
  timeout
}, async t => {
  const runs = RawValue('i')
  const pool = new Pool(1)
  const results = range(50_000).map(n => pool.applyAsync(isTheOne, [runs, n]))
  for (const result of results) if (await result) break
  const stopped = performance.now()
  pool.terminate()
  await pool.join()
  t.diagnostic(`all processes gone ${(performance.now() - stopped).toFixed(1)} ms after the result`)
  assert.deepEqual(workers(), [])
  const outcomes = await Promise.allSettled(results)
  const done = outcomes.filter(({ status }) => status === 'fulfilled').length
  assert.ok(done > 1000 && done < 50_000, `${done} results`)
  assert.ok(outcomes.every(outcome => outcome.status === 'fulfilled' || outcome.reason.name === 'PoolTerminatedError'))
  // Those that a worker had taken, and whose results nobody has read, have run.
  assert.ok(runs.value >= done && runs.value < 50_000, `${runs.value} runs`)
})

test('one result stops tasks in loops that no event reaches, too', { timeout }, async () => {
  await using scratch = await Scratch.create()
  const runs = RawValue('i')
  const pool = new Pool(3)
  const gates = range(2).map(n => new Gate(scratch, `loop-${n}`))
  const loops = gates.map(gate => pool.applyAsync(dying.spinFrom, [gate.reached]))
  const pids = await Promise.all(gates.map(gate => gate.arrival()))
  const answer = pool.applyAsync(tasks.spin, [20])
  const queued = range(5000).map(() => pool.applyAsync(countAndSpin, [runs]))
  assert.equal(await answer, 20)
  pool.terminate()
  await pool.join()
  assert.deepEqual(pids.map(isPidRunning), [false, false])
  assert.deepEqual(workers(), [])
  const outcomes = await Promise.allSettled([...loops, ...queued])
  assert.ok(outcomes.every(outcome => outcome.status === 'rejected' && outcome.reason.name === 'PoolTerminatedError'))
  // The worker that answered may have taken one before it was ended.
  assert.ok(runs.value <= 1, `${runs.value} runs`)
})

test('however a worker ends, its task rejects or is stopped, and the pool continues', { timeout }, async () => {
  await using pool = new Pool({ processes: 2, maxMemoryPerChild: 2 ** 31 })
  const ends: [string, () => Promise<unknown>, RegExp][] = [
    ['exit', () => pool.apply(dying.exit, [3]), /exit code 3/],
    ['exit 0', () => pool.apply(dying.exit, [0]), /exit code 0/],
    ['a throw in a timer', () => pool.apply(dying.throwInTimer, ['quiet']), /exit code 1/],
    ['an unhandled rejection', () => pool.apply(dying.rejectUnhandled, ['quiet']), /exit code 1/],
    ['SIGKILL', () => pool.apply(dying.kill, ['SIGKILL']), /signal 9/],
    ['SIGSEGV', () => pool.apply(dying.kill, ['SIGSEGV']), /signal 11/],
    ['SIGSTOP', () => pool.apply(dying.kill, ['SIGSTOP'], { timeout: 500, killAfter: 0 }), /more than 500 ms/],
    ['a busy loop', () => pool.apply(tasks.spin, [], { timeout: 500, killAfter: 0 }), /more than 500 ms/]
  ]
  for (const [what, begin, expected] of ends) {
    const others = range(20).map(n => pool.apply(tasks.square, [n]))
    await assert.rejects(begin(), expected, what)
    assert.deepEqual(await Promise.all(others), range(20).map(tasks.square), what)
    assert.deepEqual(
      await pool.map(tasks.square, range(20), { chunksize: 1, retries: 2 }),
      range(20).map(tasks.square),
      what
    )
  }
})

test('a worker that runs out of memory takes only its task with it', { timeout }, async () => {
  const url = (name: string) => new URL(name, import.meta.url).href
  await using scratch = await Scratch.create({
    'main.mjs': `
      import { Pool } from '${url('../../src/index.js')}'
      import { exhaustMemory } from '${url('../fixtures/pool/dying.js')}'
      import { square } from '${url('../fixtures/pool/tasks.js')}'
      const pool = new Pool(1)
      const error = await pool.apply(exhaustMemory).catch(error => error)
      console.log(error.name, error.exitcode, await pool.apply(square, [7]))
    `
  })
  await using program = new Program(scratch.file('main.mjs'), { execArgv: ['--max-old-space-size=40'] })
  const { code, stdout, stderr } = await program.outcome
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'WorkerDiedError -6 49\n' })
  assert.match(stderr, /heap out of memory/)
})
