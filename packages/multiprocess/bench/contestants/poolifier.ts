import { fileURLToPath } from 'node:url'
import { FixedClusterPool, FixedThreadPool } from 'poolifier'
import type { Contestant } from './contestant.ts'

export async function openPoolifier(workers: number, kind: 'thread' | 'cluster'): Promise<Contestant> {
  const name = kind === 'thread' ? 'poolifier-thread.js' : 'poolifier-cluster.cjs'
  const file = fileURLToPath(new URL(`../workers/${name}`, import.meta.url))
  const pool =
    kind === 'thread'
      ? new FixedThreadPool<number, number>(workers, file)
      : new FixedClusterPool<number, number>(workers, file)
  return { run: n => pool.execute(n), close: () => pool.destroy() }
}
