/**
 * A queue goes through ten processes. Each takes the number that another process put there, and puts its own.
 *
 *     def func(i, q):
 *         ret = q.get()
 *         print(f'process {i} got {ret} from the queue, and puts {i}')
 *         q.put(i)
 *
 *     q = Queue()
 *     q.put(100)
 *     for i in range(10):
 *         Process(target=func, args=(i, q)).start()
 */
import { Process, Queue } from 'multiprocess'

async function func(i: number, q: Queue<number>): Promise<void> {
  const ret = await q.get()
  console.log(`process ${i} got ${ret} from the queue, and puts ${i}`)
  await q.put(i)
}

const q = new Queue<number>()
await q.put(100)
const processes = Array.from({ length: 10 }, (_, i) => new Process({ target: func, args: [i, q] }))
for (const process of processes) process.start()
for (const process of processes) await process.join()
console.log('the queue holds the number of the last process:', await q.get())
