/**
 * Which `runExclusive` of its client a call comes from. A condition and its lock are two proxies, and either one's
 * `runExclusive` holds the same lock: so a call names all that it is inside of. Their ids are different in one client.
 */

/** The `runExclusive` of the proxy itself, 0: none, and behind it those of other proxies that it is inside of, if any. */
export type Contexts = number | readonly number[]

export function ownContext(contexts: Contexts): number {
  return typeof contexts === 'number' ? contexts : contexts[0]
}

/** Whether a call holds what was taken in a context. */
export function isInside(contexts: Contexts, context: number): boolean {
  return typeof contexts === 'number' ? contexts === context : contexts.includes(context)
}
