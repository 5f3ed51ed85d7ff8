import { ERROR_CLASSES } from '../errors.ts'

type ErrorClass = { prototype: Error }

const BRAND = Symbol.for('multiprocess.error')

const BUILT_INS: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError].map(errorClass => [
    errorClass.name,
    errorClass
  ])
)

/** The prototype of the class of this name, as which an error arrives; undefined: not known here. */
export function errorPrototype(name: string): Error | undefined {
  return (BUILT_INS.get(name) ?? ERROR_CLASSES.get(name))?.prototype
}

/** The nearest class in an error's ancestry that every process knows, and its prototype. */
export function errorClassOf(error: object): { name: string; prototype: Record<string, unknown> } {
  for (let link = Object.getPrototypeOf(error); link !== null; link = Object.getPrototypeOf(link)) {
    const name = nameOf(link)
    if (name !== undefined) return { name, prototype: link }
  }
  return { name: 'Error', prototype: Error.prototype as never }
}

/** The name of the class that has this prototype; also when it is another realm's, or another copy's of this package. */
function nameOf(prototype: object): string | undefined {
  const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  if (typeof constructor !== 'function') return undefined
  const name: string = constructor.name
  const builtIn = BUILT_INS.get(name)
  if (builtIn !== undefined) {
    return builtIn === constructor || Function.prototype.toString.call(constructor).endsWith('{ [native code] }')
      ? name
      : undefined
  }
  if (ERROR_CLASSES.has(name) && Object.hasOwn(prototype, BRAND)) return name
  return name === 'DOMException' && constructor === globalThis.DOMException ? name : undefined
}
