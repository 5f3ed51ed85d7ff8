/**
 * `npm run bench:cluster`: this package beside plain BullMQ at one job per task, and beside the local Pool, in one run. Rounds of both
 * sides take turns, so look at the ratios: medians of the rounds. A run of all parts writes `bench/results.md`.
 *   -- throughput latency leases scaling memory    some of its parts
 *   -- --quick                                     a twentieth of the work, to see that it runs; writes nothing
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Queue, QueueEvents } from 'bullmq'
import { Redis } from 'ioredis'
import { Pool } from 'multiprocess'
import { ClusterPool } from '../src/index.ts'
import { KEY, Program, startWorker } from '../test/fixtures/programs.ts'
import { RedisServer } from '../test/fixtures/redis.ts'
import * as tasks from '../test/fixtures/tasks.ts'
import { range, Scratch } from '../test/fixtures/tools.ts'

const PLAIN_WORKER = fileURLToPath(new URL('./plain-worker.js', import.meta.url))
const RESULTS = fileURLToPath(new URL('../../bench/results.md', import.meta.url))
const LONG_LOCK_MS = 30_000
const isQuick = process.argv.includes('--quick')
/** So many of what a whole run does. */
const part = (count: number): number => (isQuick ? Math.ceil(count / 20) : count)

/** What a part has found: a row of the table. */
interface Row {
  readonly what: string
  readonly ours: string
  readonly other: string
  readonly ratio: string
  /** What the ratio, or the figure, should be. */
  readonly goal: string
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await run()
  return performance.now() - begun
}

/** A queue of plain BullMQ with one worker program. */
class Plain implements AsyncDisposable {
  readonly queue: Queue
  readonly #events: QueueEvents
  readonly #worker: Program
  readonly #connections: readonly Redis[]

  private constructor(queue: Queue, events: QueueEvents, worker: Program, connections: readonly Redis[]) {
    this.queue = queue
    this.#events = events
    this.#worker = worker
    this.#connections = connections
  }

  static async start(url: string, name: string, concurrency: number, lock: number, file = ''): Promise<Plain> {
    const connections = [0, 1].map(() => new Redis(url, { maxRetriesPerRequest: null }))
    const worker = new Program(PLAIN_WORKER, [url, name, String(concurrency), String(lock), file])
    await worker.says(/is ready/)
    const events = new QueueEvents(name, { connection: connections[0] })
    events.setMaxListeners(0)
    const queue = new Queue(name, { connection: connections[1] })
    queue.setMaxListeners(0)
    await events.waitUntilReady()
    return new Plain(queue, events, worker, connections)
  }

  async run(items: readonly { n: number; ms?: number }[]): Promise<unknown[]> {
    const kept = { removeOnComplete: 10_000, removeOnFail: 10_000 }
    const jobs = await Promise.all(items.map(data => this.queue.add('task', data, kept)))
    return await Promise.all(jobs.map(job => job.waitUntilFinished(this.#events)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]()
    await Promise.all([this.queue.close(), this.#events.close()])
    for (const redis of this.#connections) redis.disconnect()
  }
}

/** Small tasks a second, with one worker program of one process each. */
async function throughput(url: string): Promise<Row> {
  await using plain = await Plain.start(url, 'plain', 8, LONG_LOCK_MS)
  await using _worker = await startWorker(url, 'small', ['--processes', '1'])
  await using pool = new ClusterPool({ url, name: 'small', key: KEY })
  await plain.run(range(50).map(n => ({ n })))
  await pool.map(tasks.square, range(2000))
  const rates = { plain: [] as number[], pool: [] as number[] }
  const [few, many] = [part(500), part(50_000)]
  for (let round = 0; round < 3; round++) {
    rates.plain.push(few / (await timed(() => plain.run(range(few).map(n => ({ n }))))))
    rates.pool.push(many / (await timed(() => pool.map(tasks.square, range(many)))))
  }
  const [ours, theirs] = [median(rates.pool) * 1000, median(rates.plain) * 1000]
  return {
    what: 'small tasks of `map`, one worker process',
    ours: `${ours.toFixed()} a second`,
    other: `plain BullMQ, one job a task: ${theirs.toFixed()} a second`,
    ratio: `${(ours / theirs).toFixed(1)} × as many`,
    goal: '10 × or more'
  }
}

/** One task at a time, there and back. */
async function latency(url: string): Promise<Row> {
  await using plain = await Plain.start(url, 'plain-one', 1, LONG_LOCK_MS)
  await using _worker = await startWorker(url, 'one', ['--processes', '1'])
  await using pool = new ClusterPool({ url, name: 'one', key: KEY })
  const times = { plain: [] as number[], pool: [] as number[] }
  for (let round = 0; round < 50 + part(300); round++) {
    const theirs = await timed(() => plain.run([{ n: round }]))
    const ours = await timed(() => pool.apply(tasks.square, [round]))
    if (round < 50) continue
    times.plain.push(theirs)
    times.pool.push(ours)
  }
  const [ours, theirs] = [median(times.pool), median(times.plain)]
  return {
    what: 'one task, there and back',
    ours: `${ours.toFixed(2)} ms`,
    other: `plain BullMQ: ${theirs.toFixed(2)} ms`,
    ratio: `${(ours / theirs).toFixed(2)} × as long`,
    goal: '1.3 × or less'
  }
}

/** Two tasks that compute for 8 s, two worker programs, a lock of 3 s: how often they are begun. */
async function leases(url: string): Promise<Row> {
  using scratch = new Scratch()
  const file = scratch.file('ours')
  const lease = ['--processes', '1', '--lease', '3000']
  await using _first = await startWorker(url, 'long', lease)
  await using _second = await startWorker(url, 'long', lease)
  await using pool = new ClusterPool({ url, name: 'long', key: KEY })
  await pool.map(
    tasks.note,
    range(2).map(n => ({ file, n, ms: 8000 }))
  )
  const plainFile = scratch.file('plain')
  await using plain = await Plain.start(url, 'plain-long', 1, 3000, plainFile)
  await using other = new Program(PLAIN_WORKER, [url, 'plain-long', '1', '3000', plainFile])
  await other.says(/is ready/)
  const deadline = new Promise<unknown>(resolve => setTimeout(resolve, isQuick ? 12_000 : 40_000))
  await Promise.race([plain.run(range(2).map(n => ({ n, ms: 8000 }))).catch(() => {}), deadline])
  return {
    what: '2 tasks that compute for 8 s, under a lock of 3 s',
    ours: `begun ${scratch.lines('ours').length} times`,
    other: `plain BullMQ, within 40 s: begun ${scratch.lines('plain').length} times`,
    ratio: '',
    goal: 'begun once each'
  }
}

/** Two worker programs of one process beside a local Pool of two: rounds of all four take turns. */
async function scaling(url: string): Promise<Row> {
  await using _only = await startWorker(url, 'scale-one', ['--processes', '1'])
  await using _first = await startWorker(url, 'scale-two', ['--processes', '1'])
  await using _second = await startWorker(url, 'scale-two', ['--processes', '1'])
  await using one = new ClusterPool({ url, name: 'scale-one', key: KEY })
  await using two = new ClusterPool({ url, name: 'scale-two', key: KEY })
  await using local = new Pool(2)
  await using alone = new Pool(1)
  const times = { one: [] as number[], two: [] as number[], local: [] as number[], alone: [] as number[] }
  const pools = { one, two, local, alone }
  for (let round = 0; round < (isQuick ? 2 : 5); round++) {
    for (const name of ['one', 'two', 'alone', 'local'] as const) {
      const ms = await timed(() =>
        pools[name].map(
          tasks.compute,
          range(part(60)).map(() => 50)
        )
      )
      if (round > 0) times[name].push(ms)
    }
  }
  const cluster = median(times.one) / median(times.two)
  const processes = median(times.alone) / median(times.local)
  return {
    what: 'two instead of one, 60 tasks of 50 ms',
    ours: `worker programs: ${cluster.toFixed(2)} × as fast`,
    other: `local processes: ${processes.toFixed(2)} × as fast`,
    ratio: `${(cluster / processes).toFixed(2)} of it`,
    goal: 'as local processes'
  }
}

/** The pool's memory while a million items pass. */
async function memory(url: string): Promise<Row> {
  await using _worker = await startWorker(url, 'million', ['--processes', '1'])
  await using pool = new ClusterPool({ url, name: 'million', key: KEY })
  const total = part(1_000_000)
  const items = function* () {
    for (let n = 0; n < total; n++) yield n
  }
  let count = 0
  const heaps: number[] = []
  const ms = await timed(async () => {
    for await (const _ of pool.imapUnordered(tasks.square, items())) {
      if (++count % (total / 10) === 0) {
        globalThis.gc?.()
        heaps.push(Math.round(process.memoryUsage().heapUsed / 1e6))
      }
    }
  })
  const rss = Math.round(process.resourceUsage().maxRSS / 1000)
  return {
    what: `${total.toLocaleString('en')} items through \`imapUnordered\``,
    ours: `${((total * 1000) / ms).toFixed()} a second; heap after each tenth ${heaps.join(' ')} MB`,
    other: '',
    ratio: `most resident ${rss} MB`,
    goal: 'a flat heap'
  }
}

const PARTS = { throughput, latency, leases, scaling, memory }
const wanted = process.argv.slice(2).filter(name => name !== '--quick')
const unknown = wanted.find(name => !(name in PARTS))
if (unknown !== undefined) {
  console.error(`there is no part '${unknown}': ${Object.keys(PARTS).join(' ')}`)
  process.exit(2)
}

const rows: Row[] = []
const begun = performance.now()
{
  await using server = await RedisServer.start({ settings: ['--appendfsync', 'everysec'] })
  for (const [name, run] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const row = await run(server.url)
    rows.push(row)
    console.log(`${row.what}: ${[row.ours, row.other, row.ratio].filter(Boolean).join('; ')} (goal: ${row.goal})`)
  }
}
const seconds = Math.round((performance.now() - begun) / 1000)
console.log(`${seconds} s`)
if (wanted.length === 0 && !isQuick) {
  const [{ model }] = cpus()
  const cells = rows.map(({ what, ours, other, ratio, goal }) => `| ${[what, ours, other, ratio, goal].join(' | ')} |`)
  writeFileSync(
    RESULTS,
    `# What a cluster costs

Written by \`npm run bench:cluster\` on ${new Date().toISOString().slice(0, 10)}, in ${seconds} s: Node ${process.versions.node}, ${cpus().length} × ${model},
a redis-server with an append-only file on the same machine. Rounds of both sides took turns; figures are medians.

| what | this package | beside it | ratio | goal |
| --- | --- | --- | --- | --- |
${cells.join('\n')}
`
  )
  console.log(`written: ${RESULTS}`)
}
