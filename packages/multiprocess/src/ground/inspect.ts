/**
 * What `console.log` and `util.inspect` show of shared objects: the name of the class and one line, as in `Event { set }`.
 * Inspecting changes nothing, waits for nothing and throws nothing. This module does not import `node:util`: the inspecting code
 * passes its own `inspect`.
 */
const CUSTOM = Symbol.for('nodejs.util.inspect.custom')

type Inspect = (value: unknown, options?: object) => string

/** Shows a value that is a part of a line, one level deeper. */
export type Show = (value: unknown) => string

/**
 * Defines the line of a class and of its subclasses.
 * @param line returns the text between the braces; a text in brackets gets no braces
 * @param nameOf returns the name before the braces. Default: the name of the object's class
 */
export function inspectAs<T extends object>(
  type: { readonly prototype: T },
  line: (object: T, show: Show) => string,
  nameOf: (object: T) => string = object => classNameOf(object, type)
): void {
  function value(this: T, depth: unknown, options?: object, inspect: Inspect = String): string {
    let name = classNameOf(undefined, type)
    try {
      name = nameOf(this)
      if (typeof depth === 'number' && depth < 0) return `[${name}]`
      const deeper = { ...options, depth: typeof depth === 'number' ? depth - 1 : depth }
      const text = line(this, part => inspect(part, deeper))
      return text.startsWith('[') ? `${name} ${text}` : `${name} { ${text} }`
    } catch {
      // A prototype, a Proxy, and an object whose constructor has not finished have no state to show.
      return `${name} {}`
    }
  }
  Object.defineProperty(type.prototype, CUSTOM, { value, configurable: true, writable: true })
}

/**
 * Returns the text that `show` returns, or `instead` if `show` throws: what a program throws or sends may be anything, and its own way to
 * be shown may throw.
 * @param most the characters that the text has at most
 */
export function shown(show: () => string, instead: string, most: number = Number.POSITIVE_INFINITY): string {
  let text: string
  try {
    text = `${show()}`
  } catch {
    text = instead
  }
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

/** Returns the message of what was thrown. */
export function messageOf(error: unknown): string {
  return shown(() => (error instanceof Error ? error.message : String(error)), 'a value that cannot be shown')
}

/** Returns a name with escapes for the characters that a terminal does not print. */
export function printable(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

function classNameOf(object: object | undefined, type: object): string {
  const own = (object?.constructor as { name?: unknown } | undefined)?.name
  const name = typeof own === 'string' && own !== '' ? own : (type as { name: string }).name
  // A bundler may have appended a number to the name.
  return name.replace(/\$\d+$/, '')
}
