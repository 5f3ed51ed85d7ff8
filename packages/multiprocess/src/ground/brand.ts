/**
 * The brand of an object that crosses to other processes as itself: the name of its kind. Constructors brand their objects. The
 * codec reads only the brand, so it never looks into plain values, and no trap of a Proxy runs.
 */
const brands = new WeakMap<object, string>()

/**
 * All copies of this package that the program has loaded: where each copy is, and a function that returns its brand of an object.
 */
const COPIES = Symbol.for('multiprocess.copies')
type Copies = Map<string, (object: object) => string | undefined>

const found = (globalThis as { [COPIES]?: Copies })[COPIES]
const copies: Copies = found ?? new Map()
if (found === undefined) Object.defineProperty(globalThis, COPIES, { value: copies })
copies.set(import.meta.url, brandOf)

/** Marks an object as one of the kind that is registered under this name. */
export function brand(object: object, kind: string): void {
  brands.set(object, kind)
}

/** Returns the name of an object's kind; undefined for an object that crosses as a copy. */
export function brandOf(object: object): string | undefined {
  return brands.get(object)
}

/** Returns where another copy of this package is that has created the object; undefined if no other copy has. */
export function otherCopyOf(object: object): string | undefined {
  if (copies.size < 2) return undefined
  for (const [url, knows] of copies) {
    if (url !== import.meta.url && knows(object) !== undefined) return url.replace(/\/(?:dist[^/]*|src)\/.*$/, '')
  }
  return undefined
}
