import { errorPrototype } from './error-classes.ts'
import { ERROR, TRUE } from './format.ts'
import { type Reader, setObjectReader } from './reader.ts'

setObjectReader(ERROR, (reader: Reader, tag, at) => {
  const error = makeError(reader)
  reader.refer(tag, at, error)
  while (!reader.isAbsent()) {
    const key = reader.key()
    const enumerable = reader.byte() === TRUE
    Object.defineProperty(error, key, { value: reader.value(), enumerable, writable: true, configurable: true })
  }
  reader.pos++
  return error
})

/** An error of the class that the message names, without any field of its own. */
function makeError(reader: Reader): Error {
  const name = reader.string()
  if (name === 'DOMException') return new DOMException(reader.string(), reader.string())
  // Not the class's own constructor: it would ask for arguments, and add fields.
  const error = withoutStack(() => new Error())
  const prototype = errorPrototype(name)
  if (prototype !== undefined && prototype !== Error.prototype) Object.setPrototypeOf(error, prototype)
  Reflect.deleteProperty(error, 'stack')
  return error
}

/** The stack comes with the message: finding out the present one, which takes most of the time, is spared. */
function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit
  const isWritable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true
  if (!isWritable) return make()
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}
