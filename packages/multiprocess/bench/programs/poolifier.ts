import { fileURLToPath } from 'node:url'
import { FixedThreadPool } from 'poolifier'
import { runProgram } from './others.ts'

const file = fileURLToPath(new URL('./poolifier-worker.js', import.meta.url))

await runProgram(workers => {
  const pool = new FixedThreadPool<unknown, unknown>(workers, file)
  return { run: (name, value) => pool.execute(value, name), close: () => pool.destroy() }
})
