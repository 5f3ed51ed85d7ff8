/**
 * 50,000 tasks one by one, and all of their results kept, in the order of the tasks.
 *
 *     pool = Pool(4)
 *     results = [pool.apply_async(square, (n,)) for n in range(50_000)]
 *     kept = [result.get() for result in results]
 *     print('kept', len(kept), 'results, the last is', kept[-1])
 */
import { Pool } from 'multiprocess'

const square = (n: number): number => n * n

await using pool = new Pool(4)
const results = Array.from({ length: 50_000 }, (_, n) => pool.applyAsync(square, [n]))
const kept: number[] = []
for (const result of results) kept.push(await result.get())
console.log('kept', kept.length, 'results, the last is', kept.at(-1))
