#!/usr/bin/env node
// Starts the command. What it does is in src/top.
import { existsSync } from 'node:fs'

const main = new URL('../dist/lib/top.js', import.meta.url)

if (existsSync(main)) await (await import(main.href)).main(process.argv.slice(2))
else {
  process.stderr.write('multiprocess: cannot start: it is not built; run: npm run build\n')
  process.exitCode = 1
}
