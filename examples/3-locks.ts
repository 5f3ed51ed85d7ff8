/**
 * A lock: two processes count one number down from 10 to 0, and neither prints a number twice.
 *
 *     def count_down(lock, left):
 *         while True:
 *             with lock:
 *                 if left.value < 0:
 *                     return
 *                 print(left.value)
 *                 time.sleep(0.001)
 *                 left.value -= 1
 *
 *     lock, left = Lock(), Value('i', 10, lock=False)
 *     processes = [Process(target=count_down, args=(lock, left)) for _ in range(2)]
 *     for process in processes: process.start()
 *     for process in processes: process.join()
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Lock, Process, Value } from 'multiprocess'

async function countDown(lock: Lock, left: { value: number }): Promise<void> {
  for (;;) {
    const isOver = await lock.runExclusive(async () => {
      if (left.value < 0) return true
      console.log(left.value)
      await sleep(1) // without the lock, the other process would print the same number now
      left.value--
      return false
    })
    if (isOver) return
  }
}

const lock = new Lock()
const left = Value('i', 10, { lock: false })
const processes = [1, 2].map(() => new Process({ target: countDown, args: [lock, left] }))
for (const process of processes) process.start()
for (const process of processes) await process.join()
console.log('done, and the lock is', lock.locked ? 'taken' : 'free')
