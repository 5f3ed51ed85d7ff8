import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'
import type { Contestant } from './contestant.ts'

export async function openWorkerpool(workers: number, workerType: 'thread' | 'process'): Promise<Contestant> {
  const script = fileURLToPath(new URL('../workers/workerpool.js', import.meta.url))
  const pool = workerpool.pool(script, { minWorkers: workers, maxWorkers: workers, workerType })
  return {
    run: n => pool.exec('square', [n]) as PromiseLike<number>,
    close: async () => {
      await pool.terminate()
    }
  }
}
