/** What a child does with what its parent prepared: in a process and in a thread alike. */
import { decode, missingModulesOf, modulesOf } from '../codec/decode.ts'
import { setFunctionCodec } from '../codec/hooks.ts'
import { mapStacks } from '../codec/mapped-stacks.ts'
import { setEntries } from '../codec/module-entries.ts'
import { importModule, resolveReference, SHARED_REQUEST } from '../codec/module-imports.ts'
import { isDebug } from '../ground/debug-mode.ts'
import { type Load, type Preparation, splitMessages } from './preparation.ts'
import { receivedTarget } from './received-target.ts'
import { setIdentity } from './state.ts'

export async function runPreparation(message: Uint8Array): Promise<void> {
  try {
    await run(message)
  } catch (error) {
    mapStacks(error)
    throw error
  }
}

async function run(message: Uint8Array): Promise<void> {
  setFunctionCodec({
    resolveReference,
    referenceOf: () => {
      throw new Error('a child that sends functions loads the module that names them first')
    }
  })
  const [first, second] = splitMessages(message)
  const { identity, argv, entries } = decode(first) as Preparation
  setIdentity(identity)
  if (isDebug) (await import('../ground/family.ts')).currentFamily().waits?.setName(identity.name)
  setEntries([...entries])
  process.argv = [...argv]

  for (const module of missingModulesOf(second)) await importModule(module)
  if (modulesOf(second).includes(SHARED_REQUEST)) {
    const { table, self } = (await import('../ground/family.ts')).currentFamily()
    table.setLoaded(self)
  }
  const { target, subclass, args, fields } = decode(second, 0, second.length, true) as Load
  const main = target === null ? undefined : await receivedTarget(target)
  if (subclass === null) {
    await main?.(...args)
  } else {
    const { becomeInstance } = await import('./current.ts')
    await becomeInstance((await receivedTarget(subclass)) as never, fields ?? {}, main, args).run()
  }
}
