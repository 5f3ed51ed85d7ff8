/** Options that a pool does not know are refused where they are written, with what they may have meant. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool } from '../../../src/index.ts'
import * as tasks from '../../fixtures/pool/tasks.ts'
import { limit } from '../../fixtures/slowness.ts'

const timeout = limit(60_000)

/** What users of Python, piscina and others write, or mistype, and what they are told. */
const POOL: readonly (readonly [options: object, message: RegExp])[] = [
  [{ maxtasksperchild: 1 }, /unknown option 'maxtasksperchild': did you mean 'maxTasksPerChild'\?/],
  [{ max_tasks_per_child: 1 }, /did you mean 'maxTasksPerChild'\?/],
  [{ init_args: [] }, /did you mean 'initargs'\?/],
  [{ maxThreads: 2 }, /unknown option 'maxThreads': the number of workers is the first argument/],
  [{ minThreads: 2 }, /give \{ minProcesses \}/],
  [{ filename: 'worker.js' }, /give the function itself/],
  [{ concurrentTasksPerWorker: 2 }, /give \{ concurrency \}/],
  [{ workerData: 1 }, /give \{ initializer, initargs \}/],
  [{ recordTiming: true }, /give \{ timings: true \}/],
  [{ initialiser: () => {} }, /did you mean 'initializer'\?/]
]

const NUMBERS: readonly (readonly [options: object, message: string])[] = [
  [{ processes: '2' }, "processes must be an integer from 1 to 1023, got '2' (a string)"],
  [{ processes: 0 }, 'processes must be an integer from 1 to 1023, got 0'],
  [{ processes: 5000 }, 'processes must be an integer from 1 to 1023, got 5000'],
  [{ minProcesses: 3, processes: 2 }, 'minProcesses must be an integer from 0 to 2, got 3'],
  [{ maxQueue: -1 }, 'maxQueue must be an integer of 0 or more, got -1'],
  [{ idleTimeout: 0 }, 'idleTimeout must be more than 0 milliseconds, got 0'],
  [{ idleTimeout: '5s' }, "idleTimeout must be a number of milliseconds, got '5s' (a string)"],
  [{ maxTasksPerChild: 1.5 }, 'maxTasksPerChild must be a positive integer, got 1.5'],
  [{ maxMemoryPerChild: Number.NaN }, 'maxMemoryPerChild must be a positive integer, got NaN'],
  [{ concurrency: null }, 'concurrency must be a positive integer, got null'],
  [{ reserve: -1 }, 'reserve must be an integer of 0 or more, got -1'],
  [{ timings: 1 }, 'timings must be true or false, got 1'],
  [{ trace: true }, 'trace must be a string, got true'],
  [{ initargs: 5 }, 'initargs must be an array, got 5'],
  [{ initializer: 'f' }, "initializer must be a function or { module, export }, got 'f' (a string)"],
  [{ context: 'spawn' }, "context must be what getContext() returns, got 'spawn' (a string)"]
]

test('a pool refuses unknown options, and says what they may mean', { timeout }, () => {
  for (const [options, message] of POOL) {
    assert.throws(() => new Pool(1, options as never), { name: 'TypeError', message }, JSON.stringify(options))
    assert.throws(() => new Pool(options as never), { name: 'TypeError', message }, JSON.stringify(options))
  }
})

test('a pool refuses invalid values, and names them', { timeout }, () => {
  for (const [options, message] of NUMBERS) assert.throws(() => new Pool(options as never), { message })
  assert.throws(() => new Pool('4' as never), { message: /^processes must be .* got '4' \(a string\)$/ })
})

test('the calls of a pool refuse unknown options', { timeout }, async () => {
  await using pool = new Pool(1)
  const calls: readonly (readonly [(options: never) => unknown, option: string, hint: RegExp])[] = [
    [options => pool.apply(tasks.square, [1], options), 'timout', /did you mean 'timeout'\?/],
    [options => pool.applyAsync(tasks.square, [1], options), 'error_callback', /did you mean 'errorCallback'\?/],
    [options => pool.applySync(tasks.square, [1], options), 'signal', /unknown option 'signal'/],
    [options => pool.apply(tasks.square, [1], options), 'kwds', /put an object into args/],
    [options => pool.map(tasks.square, [1], options), 'chunkSize', /did you mean 'chunksize'\?/],
    [options => pool.map(tasks.square, [1], options), 'callback', /unknown option 'callback'/],
    [options => pool.mapAsync(tasks.square, [1], options), 'chunk_size', /did you mean 'chunksize'\?/],
    [
      options => pool.starmap(tasks.square, [[1]], options),
      'retrys',
      /unknown option 'retrys': did you mean 'retries'\?/
    ],
    [options => pool.imap(tasks.square, [1], options), 'bufferSize', /did you mean 'buffersize'\?/],
    [options => pool.imapUnordered(tasks.square, [1], options), 'setled', /did you mean 'settled'\?/]
  ]
  for (const [call, option, message] of calls) {
    await assert.rejects(async () => call({ [option]: 1 } as never), { name: 'TypeError', message }, option)
  }
  assert.throws(() => pool.imap(tasks.square, [1], { settled: 1 as never }), {
    message: 'settled must be true or false, got 1'
  })
  assert.throws(() => pool.imap(tasks.square, [1], { chunksize: '2' as never }), {
    message: "chunksize must be a positive integer, got '2' (a string)"
  })
  await assert.rejects(pool.map(tasks.square, [1], 0), { message: 'chunksize must be a positive integer, got 0' })
  assert.equal(pool.stats.submitted, 0)
})
