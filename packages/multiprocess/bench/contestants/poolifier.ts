import { fileURLToPath } from 'node:url'
import { FixedClusterPool, FixedThreadPool } from 'poolifier'
import type { TaskName } from '../task-by-name.ts'
import type { Contestant } from './contestant.ts'
import { serializationOf } from './serialization.ts'

export async function openPoolifier(workers: number, task: TaskName, kind: 'thread' | 'cluster'): Promise<Contestant> {
  const name = kind === 'thread' ? 'poolifier-thread.js' : 'poolifier-cluster.cjs'
  const file = fileURLToPath(new URL(`../workers/${name}`, import.meta.url))
  // Its workers have one task each, which is the least work for it.
  process.env.BENCH_TASK = task
  const pool =
    kind === 'thread'
      ? new FixedThreadPool<unknown, unknown>(workers, file)
      : new FixedClusterPool<unknown, unknown>(workers, file, { settings: serializationOf(task) })
  return { run: argument => pool.execute(argument), close: () => pool.destroy() }
}
