/** The references of functions that were found or given before. */
import type { AnyFunction, FunctionReferenceData } from '../data.ts'

export const references = new WeakMap<AnyFunction, FunctionReferenceData>()

/** Gives the reference of a function whose declaration is in no text, for example one that a factory made. */
export function nameFunction(fn: AnyFunction, reference: FunctionReferenceData): void {
  references.set(fn, reference)
}

/** Returns the reference of a function if it was found before. */
export function knownReference(fn: AnyFunction): FunctionReferenceData | undefined {
  return references.get(fn)
}
