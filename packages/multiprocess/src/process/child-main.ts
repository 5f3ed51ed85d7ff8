/**
 * The first module of a child: `node child-main.js id parent-pid block length`. It imports little, since what it imports
 * is what starting a process costs.
 */
import { readSync } from 'node:fs'
import { decode, modulesOf } from '../codec/decode.ts'
import { setFunctionCodec } from '../codec/hooks.ts'
import { setEntries } from '../codec/module-entries.ts'
import { importModule, resolveReference } from '../codec/module-imports.ts'
import { ARENA_FD, dieWithParent, inherit } from '../ground/inheritance.ts'
import type { Preparation } from './preparation.ts'
import { markChild, setIdentity } from './state.ts'

/** A longer preparation is given back at once; a shorter one with the process. */
const KEPT_BYTES = 65_536

const [id, parentPid, block, length] = process.argv.slice(2).map(Number)
markChild()
if (!dieWithParent(parentPid)) process.kill(process.pid, 'SIGKILL')
inherit(id)

const message = Buffer.allocUnsafe(length)
let read = 0
while (read < length) read += readSync(ARENA_FD, message, read, length - read, block + read)
if (length > KEPT_BYTES) (await import('../ground/family.ts')).currentFamily().arena.free(block)

setFunctionCodec({
  resolveReference,
  referenceOf: () => {
    throw new Error('a child that sends functions loads the module that names them first')
  }
})
for (const module of modulesOf(message)) await importModule(module)
const { identity, argv, entries, task } = decode(message) as Preparation
setIdentity(identity)
setEntries([...entries])
process.argv = [...argv]

if (task.kind === 'target') {
  await importModule(task.target.module)
  const target = resolveReference(task.target) as (...args: unknown[]) => unknown
  await target(...task.args)
} else if (task.kind === 'subclass') {
  const { becomeInstance } = await import('./current.ts')
  await importModule(task.subclass.module)
  await becomeInstance(resolveReference(task.subclass) as never, task.fields).run()
}
