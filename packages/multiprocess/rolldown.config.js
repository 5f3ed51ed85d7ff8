// What is published: few files, since each one that a child process loads costs half a millisecond.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

const file = path => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  input: {
    index: file('src/index.ts'),
    threads: file('src/threads.ts'),
    'child-main': file('src/process/child-main.ts'),
    'thread-main': file('src/process/thread-main.ts'),
    worker: file('src/pool/worker.ts')
  },
  platform: 'node',
  logLevel: 'warn',
  output: { dir: file('dist/lib'), cleanDir: true, format: 'esm', chunkFileNames: '[name].js', sourcemap: true }
})
