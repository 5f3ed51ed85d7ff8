/**
 * The first result that is true stops everything: running tasks, tasks that wait, and the processes.
 *
 *     def stop(is_it):
 *         if is_it:
 *             print('found')
 *             pool.terminate()
 *
 *     pool = Pool(4)
 *     for n in range(10_000):
 *         pool.apply_async(is_the_one, (n,), callback=stop)
 *     pool.close()
 *     pool.join()
 */
import { activeChildren, Pool } from 'multiprocess'

/** Every number but one keeps its process busy for ever. */
function isTheOne(n: number): boolean {
  while (n !== 3) {}
  return true
}

function stop(isIt: boolean): void {
  if (!isIt) return
  console.log('found')
  pool.terminate()
}

const pool = new Pool(4)
const results = Array.from({ length: 10_000 }, (_, n) => pool.applyAsync(isTheOne, [n], { callback: stop }))
const outcomes = await Promise.allSettled(results)
await pool.join()
console.log('true:', outcomes.filter(({ status }) => status === 'fulfilled').length)
console.log('stopped:', outcomes.filter(({ status }) => status === 'rejected').length)
console.log('processes left:', activeChildren().length)
