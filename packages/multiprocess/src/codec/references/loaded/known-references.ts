/** Where functions are found, as far as that is known: it was asked before, or told. */
import type { AnyFunction, FunctionReferenceData } from '../data.ts'

export const references = new WeakMap<AnyFunction, FunctionReferenceData>()

/** Tells where a function is found which no text declares, such as one that a factory made. */
export function nameFunction(fn: AnyFunction, reference: FunctionReferenceData): void {
  references.set(fn, reference)
}

/** The reference to a function for which one was found before. */
export function knownReference(fn: AnyFunction): FunctionReferenceData | undefined {
  return references.get(fn)
}
