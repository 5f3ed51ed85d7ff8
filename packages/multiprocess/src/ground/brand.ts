/**
 * The brand of an object that crosses to other processes as itself: the name of its kind. Classes brand their objects when they are
 * made. The codec asks for the brand and for nothing else, so plain values never leave it, and no trap of a Proxy runs.
 */
const brands = new WeakMap<object, string>()

/** Marks an object as one of the kind that is registered under this name. */
export function brand(object: object, kind: string): void {
  brands.set(object, kind)
}

/** Returns the name of an object's kind; undefined for an object that crosses as a copy. */
export function brandOf(object: object): string | undefined {
  return brands.get(object)
}
