/** Finds the function that a message names or contains. */
import type { FunctionReferenceData } from '../codec/references/data.ts'
import { importModule, resolveReference } from '../codec/references/imports.ts'

type Runnable = (...args: unknown[]) => unknown

/** @throws MultiprocessError (`ERR_IMPORT`) if the module cannot be imported, or has no such export */
export async function receivedTarget(target: unknown): Promise<Runnable> {
  if (typeof target === 'function') return target as Runnable
  const reference = target as FunctionReferenceData
  await importModule(reference.module)
  return resolveReference(reference) as Runnable
}
