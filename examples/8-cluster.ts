/**
 * The same pool on one machine or several. Without REDIS_URL it runs here; with it, on a cluster, of which this program is a worker too:
 *   redis-server --appendonly yes &
 *   MULTIPROCESS_KEY=$(openssl rand -hex 32) REDIS_URL=redis://localhost node dist/8-cluster.js
 */
import { ClusterPool, ClusterWorker } from 'multiprocess-cluster'

const { REDIS_URL: url } = process.env
const name = 'example'

const isPrime = (n: number): boolean => {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false
  return n > 1
}

const worker = url === undefined ? undefined : new ClusterWorker({ url, name, processes: 2 })
await worker?.ready
const pool = new ClusterPool({ url, name })

const numbers = Array.from({ length: 10_000 }, (_, n) => n)
const primes = await pool.map(isPrime, numbers)
console.log('primes below 10,000:', primes.filter(Boolean).length)

let sum = 0
for await (const value of pool.imapUnordered((n: number) => n ** 2, [1, 2, 3])) sum += value
console.log('sum of squares:', sum)

await pool.apply(() => Promise.reject(new RangeError('from far away'))).catch(error => console.log(String(error)))
console.log('tasks done:', pool.stats.completed > 0, 'duplicates:', pool.stats.duplicates)

pool.close()
await pool.join()
await worker?.close()
