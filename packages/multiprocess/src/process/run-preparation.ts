/** What a child does with what its parent prepared: in a process and in a thread alike. */
import { decode, modulesOf } from '../codec/decode.ts'
import { setFunctionCodec } from '../codec/hooks.ts'
import { setEntries } from '../codec/module-entries.ts'
import { importModule, resolveReference } from '../codec/module-imports.ts'
import { type Load, type Preparation, splitMessages } from './preparation.ts'
import { setIdentity } from './state.ts'

type Run = (...args: readonly unknown[]) => unknown

export async function runPreparation(message: Uint8Array): Promise<void> {
  setFunctionCodec({
    resolveReference,
    referenceOf: () => {
      throw new Error('a child that sends functions loads the module that names them first')
    }
  })
  const [first, second] = splitMessages(message)
  const { identity, argv, entries, target, subclass } = decode(first) as Preparation
  setIdentity(identity)
  setEntries([...entries])
  process.argv = [...argv]

  for (const module of modulesOf(second)) await importModule(module)
  const { args, fields } = decode(second) as Load
  if (target !== null) await importModule(target.module)
  const run = target === null ? undefined : (resolveReference(target) as Run)
  if (subclass === null) {
    await run?.(...args)
  } else {
    const { becomeInstance } = await import('./current.ts')
    await importModule(subclass.module)
    await becomeInstance(resolveReference(subclass) as never, fields ?? {}, run, args).run()
  }
}
