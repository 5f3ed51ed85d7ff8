/**
 * 30 tasks in a pool of 5 processes, then the same function by `map` in a pool of 5 threads.
 *
 *     def task(n):
 *         time.sleep(0.1)
 *         print('task', n, 'is done by', current_process().name)
 *         return n * n
 *
 *     pool = Pool(5)
 *     results = [pool.apply_async(task, (n,)) for n in range(30)]
 *     pool.close()
 *     pool.join()
 *     print('all tasks are done:', [result.get() for result in results])
 *
 *     from multiprocessing.dummy import Pool as ThreadPool
 *     threads = ThreadPool(5)
 *     print('on threads:', threads.map(square, range(30)))
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { currentProcess, Pool } from 'multiprocess'
import { Pool as ThreadPool } from 'multiprocess/dummy'

const square = (n: number): number => n * n

async function task(n: number): Promise<number> {
  await sleep(100)
  console.log('task', n, 'is done by', currentProcess().name)
  return square(n)
}

const numbers = Array.from({ length: 30 }, (_, n) => n)

const pool = new Pool(5)
const results = numbers.map(n => pool.applyAsync(task, [n]))
pool.close()
await pool.join()
console.log('all tasks are done:', (await Promise.all(results)).join(' '))

await using threads = new ThreadPool(5)
console.log('on threads:', (await threads.map(square, numbers)).join(' '))
