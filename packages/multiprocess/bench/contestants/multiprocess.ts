import { Pool } from 'multiprocess'
import { square } from '../tasks.ts'
import type { Contestant } from './contestant.ts'

export async function openMultiprocess(workers: number): Promise<Contestant> {
  const pool = new Pool(workers)
  return {
    run: n => pool.applyAsync(square, [n]),
    close: async () => {
      pool.close()
      await pool.join()
    }
  }
}
