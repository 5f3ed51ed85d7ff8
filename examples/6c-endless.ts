/**
 * 50,000,000 tasks, while their results are consumed: neither tasks nor results pile up in memory.
 *
 *     node dist/6c-endless.js [TASKS]
 *
 *     pool = Pool(4)
 *     total = 0
 *     for result in pool.imap_unordered(square, range(50_000_000), chunksize=10_000):
 *         total += result
 *
 * Python's pool reads the whole range at once, and keeps every chunk that waits. Here the pool reads its input no further than `buffersize` items
 * ahead of the loop.
 */
import { Pool } from 'multiprocess'

const square = (n: number): number => n * n

function* range(end: number): Generator<number> {
  for (let n = 0; n < end; n++) yield n
}

const tasks = Number(process.argv[2] ?? 50_000_000)
await using pool = new Pool(4)
let consumed = 0
let total = 0
let peak = 0
for await (const result of pool.imapUnordered(square, range(tasks), 10_000)) {
  total += result
  if (++consumed % 100_000 === 0) peak = Math.max(peak, process.memoryUsage.rss())
}
const right = ((tasks - 1) * tasks * (2 * tasks - 1)) / 6
console.log('consumed', consumed, 'results, their sum is right:', Math.abs(total / right - 1) < 1e-9)
console.log('memory stayed below 500 MB:', peak < 500e6)
