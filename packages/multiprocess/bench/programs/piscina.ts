import { Piscina } from 'piscina'
import { runProgram } from './others.ts'

const filename = new URL('./work.js', import.meta.url).href

await runProgram(workers => {
  const isMany = process.argv[2] === 'tasks' || process.argv[2] === 'objects'
  const pool = new Piscina({
    filename,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: isMany ? 16 : 1
  })
  return { run: (name, value) => pool.run(value, { name }), close: () => pool.close() }
})
