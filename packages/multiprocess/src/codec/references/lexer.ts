/** The reader of modules' texts: es-module-lexer, of which one build is WebAssembly and one is JavaScript. */

import { createRequire } from 'node:module' // lazy

type Lexer = typeof import('es-module-lexer')

let lexer: Lexer | undefined

/** @throws Error when the text is not a module that the lexer can read */
export function parseModule(source: string): ReturnType<Lexer['parse']> {
  lexer ??= loadLexer()
  return lexer.parse(source)
}

/** Loads by require, because references are found synchronously, and only in a process that sends functions. */
function loadLexer(): Lexer {
  const require = createRequire(import.meta.url)
  try {
    const found = require('es-module-lexer') as Lexer
    found.parse('')
    return found
  } catch {
    // There is no WebAssembly (--jitless), or no room in the address space for its memory (ulimit -v).
    return require('es-module-lexer/js') as Lexer
  }
}
