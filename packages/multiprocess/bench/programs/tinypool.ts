import { Tinypool } from 'tinypool'
import { runProgram } from './others.ts'

const filename = new URL('./work.js', import.meta.url).href

await runProgram(workers => {
  const pool = new Tinypool({ filename, minThreads: workers, maxThreads: workers })
  return { run: (name, value) => pool.run(value, { name }), close: () => pool.destroy() }
})
