/** A worker of plain BullMQ, one job per task: `node plain-worker.js URL NAME CONCURRENCY LOCK FILE`. */
import { appendFileSync } from 'node:fs'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { compute } from '../test/fixtures/tasks.ts'

const [, , url, name, concurrency, lock, file] = process.argv
const worker = new Worker<{ n: number; ms?: number }>(
  name,
  async ({ data: { n, ms } }) => {
    if (ms === undefined) return n * n
    appendFileSync(file, `${n}\n`)
    compute(ms)
    return n
  },
  {
    connection: new Redis(url, { maxRetriesPerRequest: null }),
    concurrency: Number(concurrency),
    lockDuration: Number(lock),
    stalledInterval: Number(lock),
    maxStalledCount: 1000
  }
)
worker.on('error', () => {})
await worker.waitUntilReady()
console.log('is ready')
