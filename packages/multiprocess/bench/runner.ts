/** One round of one contestant in one part, in a process of its own: `node --expose-gc runner.js ID PART SETTINGS`. */
import { writeSync } from 'node:fs'
import { contestants } from './contestants.ts'
import type { Settings } from './parts/part.ts'
import { parts } from './parts.ts'

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

const [id, partId, settings] = process.argv.slice(2)
const info = contestants.find(contestant => contestant.id === id)
const part = parts.find(({ id }) => id === partId)
if (info?.open === undefined || part === undefined || settings === undefined) {
  throw new Error('usage: node --expose-gc runner.js ID PART SETTINGS; main.js starts it')
}
const parsed = JSON.parse(settings) as Settings
const contestant = await info.open(parsed.workers, part.task)
const sample = await part.measure(contestant, parsed)
writeSync(1, `BENCH-SAMPLE ${JSON.stringify(sample)}\n`)
await contestant.close()

function fail(error: unknown): void {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  writeSync(1, `BENCH-FAILURE ${JSON.stringify(text)}\n`)
  if (error instanceof Error && error.stack !== undefined) writeSync(2, `${error.stack}\n`)
  process.exit(1)
}
