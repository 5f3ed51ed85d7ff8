/** Reads the imports and exports of a module's text with es-module-lexer, which has a WebAssembly build and a JavaScript build. */

import { createRequire } from 'node:module' // lazy

type Lexer = typeof import('es-module-lexer')

let lexer: Lexer | undefined

/** @throws Error if the lexer cannot read the text as a module */
export function parseModule(source: string): ReturnType<Lexer['parse']> {
  lexer ??= loadLexer()
  return lexer.parse(source)
}

/** Uses require, because references are found synchronously, and only in a process that sends functions. */
function loadLexer(): Lexer {
  const require = createRequire(import.meta.url)
  try {
    const found = require('es-module-lexer') as Lexer
    found.parse('')
    return found
  } catch {
    // WebAssembly is missing (--jitless), or the address space has no room for its memory (ulimit -v).
    return require('es-module-lexer/js') as Lexer
  }
}
