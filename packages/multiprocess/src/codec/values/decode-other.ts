import { SerializationError } from '../../errors.ts'
import { BOXED, DATE, FUNCTION, KIND, MAP, REGEXP, SET, URL_OBJECT, URL_SEARCH_PARAMS } from '../bytes/format.ts'
import { FEW_KEYS } from './budget.ts'
import { type Reader, setObjectReader } from './reader.ts'
import { getFunctionCodec, kindNamed } from './registry.ts'

/** Bytes of memory for each character of a text that is parsed. */
const TEXT_COST = 8

setObjectReader(MAP, (reader: Reader, tag, at) => {
  const map = new Map<unknown, unknown>()
  reader.refer(tag, at, map)
  const count = reader.count(2)
  if (reader.budget !== null && count > FEW_KEYS) {
    const [keys, values] = [new Array<unknown>(count), new Array<unknown>(count)]
    for (let i = 0; i < count; i++) {
      keys[i] = reader.value()
      values[i] = reader.value()
    }
    reader.budget.addKeys(count, i => map.set(keys[i], values[i]))
    return map
  }
  for (let i = 0; i < count; i++) {
    const key = reader.value()
    map.set(key, reader.value())
  }
  return map
})

setObjectReader(SET, (reader: Reader, tag, at) => {
  const set = new Set<unknown>()
  reader.refer(tag, at, set)
  const count = reader.count(1)
  if (reader.budget !== null && count > FEW_KEYS) {
    const members = new Array<unknown>(count)
    for (let i = 0; i < count; i++) members[i] = reader.value()
    reader.budget.addKeys(count, i => set.add(members[i]))
    return set
  }
  for (let i = 0; i < count; i++) set.add(reader.value())
  return set
})

setObjectReader(DATE, (reader: Reader, tag, at) => {
  const date = new Date(reader.double())
  reader.refer(tag, at, date)
  return date
})

setObjectReader(REGEXP, (reader: Reader, tag, at) => {
  const source = reader.string()
  const flags = reader.string()
  reader.budget?.spend(TEXT_COST * source.length)
  const regexp = construct(reader, () => new RegExp(source, flags))
  reader.refer(tag, at, regexp)
  return regexp
})

setObjectReader(BOXED, (reader: Reader, tag, at) => {
  const value = reader.value()
  if (value === null || value === undefined || typeof value === 'object' || typeof value === 'function') {
    reader.damaged('something else stands where a primitive value must be')
  }
  const object = Object(value)
  reader.refer(tag, at, object)
  return object
})

setObjectReader(URL_OBJECT, (reader: Reader, tag, at) => {
  const href = reader.string()
  reader.budget?.spend(TEXT_COST * href.length)
  const url = construct(reader, () => new URL(href))
  reader.refer(tag, at, url)
  return url
})

setObjectReader(URL_SEARCH_PARAMS, (reader: Reader, tag, at) => {
  const text = reader.string()
  // Each `&` separates a name and a value.
  reader.budget?.spend(6 * TEXT_COST * text.length)
  const params = new URLSearchParams(text)
  reader.refer(tag, at, params)
  return params
})

function construct<T extends object>(reader: Reader, make: () => T): T {
  try {
    return make()
  } catch (error) {
    return reader.damaged((error as Error).message)
  }
}

setObjectReader(FUNCTION, (reader: Reader, tag, at) => {
  const number = reader.count(0)
  const name = reader.string()
  if (number >= reader.modules.length) reader.damaged('a function has no module')
  const codec = getFunctionCodec()
  if (codec === null) {
    throw new SerializationError(
      `cannot read the message: it holds the function ${name} of ${reader.modules[number]}, and functions cannot be received here`
    )
  }
  const fn = codec.resolveReference({ module: reader.modules[number], export: name })
  reader.refer(tag, at, fn)
  return fn
})

setObjectReader(KIND, (reader: Reader, tag, at) => {
  const name = reader.string()
  const data = reader.value()
  const kind = kindNamed(name)
  if (kind === undefined) {
    throw new SerializationError(
      `cannot read the message: this program does not know objects of the kind ${JSON.stringify(name)}; use the same versions on both sides`
    )
  }
  const object = kind.decode(data)
  reader.refer(tag, at, object)
  return object
})
