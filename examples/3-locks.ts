/** A lock: two processes count the same number down from 10 to 0, and none gets in the other's way. */
import { Lock, Process, Value } from 'multiprocess'

const lock = new Lock()
const left = Value('i', 10, { lock: false })

async function countDown(): Promise<void> {
  for (;;) {
    const isOver = await lock.runExclusive(async () => {
      if (left.value < 0) return true
      const now = left.value
      await new Promise(resolve => setTimeout(resolve, 1)) // whoever came in between would read the same number
      console.log(now)
      left.value = now - 1
      return false
    })
    if (isOver) return
  }
}

const processes = ['first', 'second'].map(name => new Process({ target: countDown, name }))
for (const process of processes) process.start()
for (const process of processes) await process.join()
console.log('done, and the lock is', lock.locked ? 'taken' : 'free')
