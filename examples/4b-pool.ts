/** A pool of 5 and 30 tasks: one at a time, all at once with callbacks, as a map; and the same on threads. */
import { Pool } from 'multiprocess'
import { Pool as ThreadPool } from 'multiprocess/dummy'

const square = (n: number): number => n * n
const slowSquare = async (n: number): Promise<number> => {
  await new Promise(resolve => setTimeout(resolve, 20))
  return n * n
}
const tasks = Array.from({ length: 30 }, (_, n) => n)
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)

const pool = new Pool(5)
console.log('apply:', await pool.apply(square, [7]))

let heard = 0
const results = tasks.map(n =>
  pool.applyAsync(slowSquare, [n], {
    callback: () => {
      heard++
    }
  })
)
console.log('ready at once:', results[29].ready())
console.log('applyAsync:', sum(await Promise.all(results)), 'with', heard, 'callbacks')
console.log('successful:', results[29].successful())

console.log('map:', (await pool.map(square, tasks)).slice(-3).join())
const inOrder: number[] = []
for await (const n of pool.imap(slowSquare, tasks)) inOrder.push(n)
console.log('imap:', inOrder.slice(-3).join())

pool.close()
await pool.join()
await pool.apply(square, [1]).catch(error => console.log('closed:', error.name))

const impatient = new Pool(2)
const endless = impatient.apply(() => new Promise<never>(() => setInterval(() => {}, 1000)))
impatient.terminate()
await endless.catch(error => console.log('terminated:', error.name))
await impatient.join()

await using threads = new ThreadPool(5)
console.log('threads:', sum(await threads.map(square, tasks)))
