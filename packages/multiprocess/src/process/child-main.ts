/**
 * The first module of a child process: `node child-main.js id parent-pid block length`. It imports little, since what it
 * imports is what starting a process costs.
 */
import { readSync } from 'node:fs'
import { ARENA_FD, closeArenaOnExec, dieWithParent, inherit } from '../ground/inheritance.ts'
import { runPreparation } from './run-preparation.ts'

/** A longer preparation is given back at once; a shorter one with the process. */
const KEPT_BYTES = 65_536

const [self, parentPid, block, length] = process.argv.slice(2).map(Number)
if (!dieWithParent(parentPid)) process.kill(process.pid, 'SIGKILL')
closeArenaOnExec()
inherit({ self, method: 'spawn' })

const message = Buffer.allocUnsafe(length)
let read = 0
while (read < length) read += readSync(ARENA_FD, message, read, length - read, block + read)
if (length > KEPT_BYTES) (await import('../ground/family.ts')).currentFamily().arena.free(block)

await runPreparation(message)
