/** Runs, in a child process or thread, what its parent prepared. */
import { decode } from '../codec/decode.ts' // lazy
import { importRequired } from '../codec/receive.ts'
import { setEntries } from '../codec/references/entries.ts'
import { resolveReference } from '../codec/references/imports.ts'
import type { LargeBlock } from '../codec/values/large-block.ts'
import { mapStacks } from '../codec/values/mapped-stacks.ts'
import { setFunctionCodec } from '../codec/values/registry.ts'
import { isDebug } from '../ground/os/debug-mode.ts'
import { writeError } from '../ground/os/output.ts'
import { type Load, type Preparation, splitMessages } from './preparation.ts'
import type { Process } from './process.ts'
import { receivedTarget } from './received-target.ts'
import { currentIdentity, setIdentity } from './state.ts'

/** @param large the block of the message, if buffers follow it; it is freed with the last view of them */
export async function runPreparation(message: Uint8Array, large: LargeBlock | null = null): Promise<void> {
  try {
    await run(message, large)
  } catch (error) {
    mapStacks(error)
    throw error
  }
}

async function run(message: Uint8Array, large: LargeBlock | null): Promise<void> {
  setFunctionCodec({
    resolveReference,
    referenceOf: () => {
      throw new Error('a child that sends functions loads the module that names them first')
    }
  })
  const [first, second] = splitMessages(message)
  const { identity, argv, entries, logging, parcel } = decode(first) as Preparation
  setIdentity(identity)
  if (isDebug) (await import('../ground/family.ts')).currentFamily().waits?.setName(identity.name)
  process.on('uncaughtExceptionMonitor', nameOfFailed)
  setEntries([...entries])
  process.argv = [...argv]
  if (logging !== null) (await import('./logging.ts')).inheritLogging(logging)

  await importRequired(second)
  const load = decode(second, 0, second.length, large) as Load
  // The received objects hold what the message named.
  if (parcel !== 0) (await import('../ground/family.ts')).currentFamily().shared.drop(parcel)
  large?.release()
  const target = load.target === null ? undefined : await receivedTarget(load.target)
  if (load.subclass === null) {
    await handOver(load, args => target?.(...args))
  } else {
    const subclass = (await receivedTarget(load.subclass)) as unknown as typeof Process
    const { becomeInstance } = await import('./current.ts')
    await handOver(load, (args, fields) => becomeInstance(subclass, fields ?? {}, target, args).run())
  }
}

/** Calls `run` with the arguments, and clears them in `load`: what the target drops can be collected while it runs. */
function handOver(load: Load, run: (args: readonly unknown[], fields: object | null) => unknown): unknown {
  const { args, fields } = load
  load.args = []
  load.fields = null
  return run(args, fields)
}

/** Prints the name of the process before Node prints an uncaught error, as Python does. */
function nameOfFailed(): void {
  if (process.listenerCount('uncaughtException') > 0) return
  writeError(`Process ${currentIdentity().name}:\n`)
}
