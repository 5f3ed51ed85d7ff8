/** What an object's own property holds, without running anything of the user's. */

/**
 * undefined for a property that is not there, and for getters; but what `--frozen-intrinsics` has made a getter of holds what it held: so
 * that objects that inherit a frozen property can have one of their own, Node replaces it by a getter, with the value as a property of that.
 */
export function ownValue(owner: object, key: PropertyKey): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(owner, key)
  const get = descriptor?.get
  if (get === undefined) return descriptor?.value
  return get.name === 'getter' ? Object.getOwnPropertyDescriptor(get, 'value')?.value : undefined
}
