/**
 * What becomes of results: keep 50,000 of them; stop all processes as soon as one is true; submit 50,000,000 tasks while
 * their results are consumed.
 *
 *     node dist/6-return-values.js [TASKS]
 */
import { Pool } from 'multiprocess'

const square = (n: number): number => n * n
const isTheOne = (n: number): boolean => n === 12_345

const pool = new Pool(4)

const kept = await pool.map(
  square,
  Array.from({ length: 50_000 }, (_, n) => n)
)
console.log('kept:', kept.length, 'the last is', kept.at(-1))

// Leaving the loop drops what has not begun.
let looked = 0
for await (const isIt of pool.imapUnordered(isTheOne, numbers(), 100)) {
  looked++
  if (isIt) break
}
console.log('found, and not looked at all numbers there are:', looked < 1_000_000)

// The input is taken no further ahead than the consumer has come.
const tasks = Number(process.argv[2] ?? 50_000_000)
let count = 0
let sum = 0
for await (const n of pool.imapUnordered(square, numbers(tasks), 10_000)) {
  count++
  sum += n
}
console.log('consumed:', count, 'of the right sum:', Math.abs(sum / sumOfSquares(tasks) - 1) < 1e-9)

pool.close()
await pool.join()

function* numbers(end = Number.POSITIVE_INFINITY): Generator<number> {
  for (let n = 0; n < end; n++) yield n
}

function sumOfSquares(n: number): number {
  return ((n - 1) * n * (2 * n - 1)) / 6
}
