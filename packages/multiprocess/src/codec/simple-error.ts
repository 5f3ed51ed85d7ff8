/** What is sent of an error that cannot cross: its nearest class that every process has, its texts, and fields that are primitive. */

import { errorClassOf } from './error-values.ts'

export function simpleError(error: Error): Error {
  const { prototype } = errorClassOf(error)
  const simple = Object.setPrototypeOf(new Error(), prototype) as Error & Record<string, unknown>
  for (const key of ['message', 'stack', 'name', ...Object.keys(error)]) {
    const value: unknown = (error as unknown as Record<string, unknown>)[key]
    if (typeof value === 'symbol' || typeof value === 'function' || (typeof value === 'object' && value !== null))
      continue
    if (key === 'name' && value === prototype.name) continue
    const enumerable = Object.getOwnPropertyDescriptor(error, key)?.enumerable === true
    Object.defineProperty(simple, key, { value, enumerable, writable: true, configurable: true })
  }
  return simple
}
