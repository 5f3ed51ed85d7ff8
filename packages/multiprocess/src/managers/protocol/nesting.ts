/**
 * The `runExclusive` of its client that a call comes from. A condition and its lock are two proxies, and the `runExclusive` of either holds
 * the same lock; so a call names all that it is inside of. Within one client, their ids are unique.
 */

/** The `runExclusive` of the proxy itself (0 for none), followed by those of other proxies that it is inside of, if any. */
export type Contexts = number | readonly number[]

export function ownContext(contexts: Contexts): number {
  return typeof contexts === 'number' ? contexts : contexts[0]
}

/** Returns true if a call holds what was taken in a context. */
export function isInside(contexts: Contexts, context: number): boolean {
  return typeof contexts === 'number' ? contexts === context : contexts.includes(context)
}
