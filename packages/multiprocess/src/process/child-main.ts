/**
 * The first module of a child process: `node child-main.js id parent-pid block length`. It imports little, since what it
 * imports is what starting a process costs.
 */
import { readSync } from 'node:fs'
import { ARENA_FD, closeArenaOnExec, dieWithParent, inherit } from '../ground/inheritance.ts'
import { awaitWork, KEPT_BYTES } from '../ground/work.ts'
import { runPreparation } from './run-preparation.ts'

const [self, parentPid, block, length] = process.argv.slice(2).map(Number)
if (!dieWithParent(parentPid)) process.kill(process.pid, 'SIGKILL')
closeArenaOnExec()
inherit({ self, method: 'spawn' })

await runPreparation(length === 0 ? await givenLater() : await given())

/** It stands in the arena already: read from its file, which takes less time than to attach to it. */
async function given(): Promise<Uint8Array> {
  const message = Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) read += readSync(ARENA_FD, message, read, length - read, block + read)
  if (length > KEPT_BYTES) (await import('../ground/family.ts')).currentFamily().arena.free(block)
  return message
}

/** One of the reserve: there is time to load more than any process needs. */
async function givenLater(): Promise<Uint8Array> {
  const { currentFamily } = await import('../ground/family.ts')
  await import('../codec/shared-kinds.ts')
  return awaitWork(currentFamily())
}
