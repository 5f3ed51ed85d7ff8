import { Tinypool } from 'tinypool'
import type { TaskName } from '../task-by-name.ts'
import type { Contestant } from './contestant.ts'
import { serializationOf } from './serialization.ts'

export async function openTinypool(
  workers: number,
  task: TaskName,
  runtime: 'worker_threads' | 'child_process'
): Promise<Contestant> {
  const pool = new Tinypool({
    runtime,
    filename: new URL('../tasks.js', import.meta.url).href,
    name: task,
    minThreads: workers,
    maxThreads: workers,
    ...serializationOf(task)
  })
  return { run: argument => pool.run(argument), close: () => pool.destroy() }
}
