import { Tinypool } from 'tinypool'
import type { Contestant } from './contestant.ts'

export async function openTinypool(workers: number, runtime: 'worker_threads' | 'child_process'): Promise<Contestant> {
  const pool = new Tinypool({
    runtime,
    filename: new URL('../tasks.js', import.meta.url).href,
    name: 'square',
    minThreads: workers,
    maxThreads: workers
  })
  return { run: n => pool.run(n), close: () => pool.destroy() }
}
