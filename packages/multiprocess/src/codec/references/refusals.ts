/** The errors for functions that cannot be sent, with what to do. */

import { SerializationError } from '../../errors.ts'
import type { AnyFunction } from './data.ts'
import { nameOf, textOf } from './loaded/function-text.ts'

/** The reason why there is no reference to a function. */
export type Refusal =
  | { readonly kind: 'main' | 'proxy' | 'bound' | 'native' | 'internal' }
  | { readonly kind: 'unexported' | 'unloaded'; readonly url: string }
  | { readonly kind: 'closure'; readonly variables: readonly string[] }
  | { readonly kind: 'uninspectable'; readonly reason: string }

/** @param path the place of the function in what is sent, such as `args[0]`; may be empty */
export function refusalError(fn: AnyFunction, refusal: Refusal, path: string, cause?: unknown): SerializationError {
  const place = path === '' ? '' : ` (${path})`
  return new SerializationError(`cannot send ${describeFunction(fn)}${place}: ${explainRefusal(fn, refusal)}`, path, {
    cause
  })
}

/** Returns what errors call a function. */
export function describeFunction(fn: AnyFunction): string {
  const kind = /^class\b/.test(textOf(fn)) ? 'class' : 'function'
  return nameOf(fn) === '' ? `an anonymous ${kind}` : `\`${nameOf(fn)}\``
}

export function explainRefusal(fn: AnyFunction, refusal: Refusal): string {
  switch (refusal.kind) {
    case 'main':
      return (
        'it stands in the main program, which a child never runs again. ' +
        'Move it to a module of its own and export it there, or name it as { module, export }'
      )
    case 'unexported':
      return `it is not exported by ${refusal.url}. Export it, or name an exported function as { module, export }`
    case 'closure':
      return (
        `it uses ${list(refusal.variables)} of the function around it, and only functions that a module exports can be sent. ` +
        'Export a function that takes such values as arguments, and send those beside it'
      )
    case 'bound':
      return (
        'it is a bound function, which does not tell what module exports it. ' +
        'Send the function that bind() was called on, and the bound values beside it as arguments'
      )
    case 'proxy':
      return 'it is a Proxy, and what its handler does cannot be sent. Send the function behind it'
    case 'native':
      return (
        'it is native code that no global, no builtin module of Node and no CommonJS module exports. ' +
        'Export a function that calls it from a module, and send that'
      )
    case 'internal':
      return (
        'it is internal to Node, and no builtin module exports it. ' +
        'Export a function that calls it from a module, and send that'
      )
    case 'unloaded':
      return refusal.url === ''
        ? 'it was compiled at run time (eval, new Function or node:vm). Move it to a module and export it there'
        : `it stands in ${refusal.url}, which was not loaded by import or require but by other means (node:vm, a test runner). ` +
            'Name it as { module, export }'
    case 'uninspectable':
      return (
        `the V8 inspector, which tells where a function stands, is not available in this process (${refusal.reason}). ` +
        `Name it as { module: import.meta.url, export: '${nameOf(fn) || 'default'}' } in the module that exports it`
      )
  }
}

function list(names: readonly string[]): string {
  const quoted = names.map(name => `\`${name}\``)
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}
