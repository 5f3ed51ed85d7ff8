#!/usr/bin/env node
// Starts the command. In a clone that was not built yet, it is built first.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = new URL('../dist/src/main.js', import.meta.url)
const root = fileURLToPath(new URL('../../..', import.meta.url))

if (!existsSync(main) && existsSync(`${root}/tsconfig.json`)) {
  process.stderr.write('crawl: not built yet; running: npm run build\n')
  spawnSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: ['ignore', 2, 2] })
}
if (existsSync(main)) await import(main.href)
else {
  process.stderr.write('crawl: cannot start: it is not built; run: npm run build\n')
  process.exitCode = 1
}
