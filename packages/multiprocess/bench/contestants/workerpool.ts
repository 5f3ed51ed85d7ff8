import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'
import type { TaskName } from '../task-by-name.ts'
import type { Contestant } from './contestant.ts'
import { serializationOf } from './serialization.ts'

export async function openWorkerpool(
  workers: number,
  task: TaskName,
  workerType: 'thread' | 'process'
): Promise<Contestant> {
  const script = fileURLToPath(new URL('../workers/workerpool.js', import.meta.url))
  const pool = workerpool.pool(script, {
    minWorkers: workers,
    maxWorkers: workers,
    workerType,
    forkOpts: serializationOf(task)
  })
  return {
    run: argument => pool.exec(task, [argument]) as PromiseLike<unknown>,
    close: async () => {
      await pool.terminate()
    }
  }
}
