/** What a child does with what its parent prepared: in a process and in a thread alike. */
import { decode, modulesOf } from '../codec/decode.ts'
import { setFunctionCodec } from '../codec/hooks.ts'
import { setEntries } from '../codec/module-entries.ts'
import { importModule, resolveReference } from '../codec/module-imports.ts'
import type { Preparation } from './preparation.ts'
import { setIdentity } from './state.ts'

export async function runPreparation(message: Uint8Array): Promise<void> {
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
}
