/**
 * The first module of a child process: `node child-main.cjs id parent-pid block length has-more has-lifeline`. It imports little, because
 * every start of a process pays for what it imports.
 */
import './loaders.ts'
import { readSync, writeSync } from 'node:fs'
import type { LargeBlock } from '../codec/values/large-block.ts'
import { reportedAt } from '../ground/arena/report-word.ts'
import {
  ARENA_FD,
  closeArenaOnExec,
  closeLifelineOnExec,
  dieWithParent,
  inherit
} from '../ground/members/inheritance.ts'
import { setInterval } from '../ground/os/time.ts'
import { awaitWork, KEPT_BYTES } from '../ground/work.ts'
import { runPreparation } from '../process/run-preparation.ts'
import { loadAhead } from './load-ahead.ts'
import { writeAtOnceInProcess } from './output.ts'
import { runMain } from './run-main.ts'

/** A child without a lifeline checks this often, in milliseconds, that its parent is there. */
const LOOK_MS = 1000

const [self, parentPid, block, length, hasMore, hasLifeline] = process.argv.slice(2).map(Number)
const end = () => process.kill(process.pid, 'SIGKILL')
if (!dieWithParent(parentPid)) end()
if (hasLifeline === 1) closeLifelineOnExec()
else setInterval(() => process.ppid === parentPid || end(), LOOK_MS).unref()
closeArenaOnExec()
writeSync(ARENA_FD, Buffer.of(1, 0, 0, 0), 0, 4, reportedAt(self))
inherit({ self, method: 'spawn' })
writeAtOnceInProcess()

runMain(length === 0 ? runLater : runNow)

/** Runs the preparation in the arena: reads it from the arena's file, which takes less time than attaching. */
async function runNow(): Promise<void> {
  const message = Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) read += readSync(ARENA_FD, message, read, length - read, block + read)
  let large: LargeBlock | null = null
  if (hasMore === 1 || length > KEPT_BYTES) {
    const family = (await import('../ground/family.ts')).currentFamily()
    if (hasMore === 1) large = new (await import('../codec/values/large-block.ts')).LargeBlock(family, block, length)
    else family.arena.free(block)
  }
  return runPreparation(message, large)
}

/** Waits for work, as a member of the reserve: there is time to load more than every process needs. */
async function runLater(): Promise<void> {
  const { currentFamily } = await import('../ground/family.ts')
  const { LargeBlock } = await import('../codec/values/large-block.ts')
  await loadAhead()
  const family = currentFamily()
  const { message, at, hasMore } = awaitWork(family)
  return runPreparation(message, hasMore ? new LargeBlock(family, at, message.length) : null)
}
