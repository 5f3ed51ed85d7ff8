/**
 * The first module of a child process: `node child-main.js id parent-pid block length has-more`. It imports little, since what it
 * imports is what starting a process costs.
 */
import { readSync } from 'node:fs'
import type { LargeBlock } from '../codec/large-block.ts'
import { ARENA_FD, closeArenaOnExec, dieWithParent, inherit } from '../ground/inheritance.ts'
import { runPreparation } from './run-preparation.ts'

/** A longer preparation is given back at once; a shorter one with the process. */
const KEPT_BYTES = 65_536

const [self, parentPid, block, length, hasMore] = process.argv.slice(2).map(Number)
if (!dieWithParent(parentPid)) process.kill(process.pid, 'SIGKILL')
closeArenaOnExec()
inherit({ self, method: 'spawn' })

const message = Buffer.allocUnsafe(length)
let read = 0
while (read < length) read += readSync(ARENA_FD, message, read, length - read, block + read)
let large: LargeBlock | null = null
if (hasMore === 1 || length > KEPT_BYTES) {
  const family = (await import('../ground/family.ts')).currentFamily()
  if (hasMore === 1) large = new (await import('../codec/large-block.ts')).LargeBlock(family, block, length)
  else family.arena.free(block)
}

await runPreparation(message, large)
