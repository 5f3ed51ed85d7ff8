/** One round of one contestant, in a process of its own: `node --expose-gc runner.js ID SETTINGS`. */
import { writeSync } from 'node:fs'
import { contestants } from './contestants.ts'
import { measure, type Settings } from './measure.ts'

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

const [id, settings] = process.argv.slice(2)
const info = contestants.find(contestant => contestant.id === id)
if (info?.open === undefined || settings === undefined) {
  throw new Error('usage: node --expose-gc runner.js ID SETTINGS; main.js starts it')
}
const parsed = JSON.parse(settings) as Settings
const contestant = await info.open(parsed.workers)
const sample = await measure(contestant, parsed)
writeSync(1, `BENCH-SAMPLE ${JSON.stringify(sample)}\n`)
await contestant.close()

function fail(error: unknown): void {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  writeSync(1, `BENCH-FAILURE ${JSON.stringify(text)}\n`)
  if (error instanceof Error && error.stack !== undefined) writeSync(2, `${error.stack}\n`)
  process.exit(1)
}
