/** Compiles received code so that its URL, lines and columns are those in its own module. */

import type { CompileFunctionOptions } from 'node:vm'

type Compiled = (...args: unknown[]) => unknown

const units = new Map<string, Compiled>()
const MOST_UNITS = 1000
let isPrimed = false

/** Compiles a function whose `import()` is resolved as in the module at `url`. Compiles each text and place once. */
export function compileUnder(url: string, code: string, parameters: readonly string[], line = 0, column = 0): Compiled {
  const key = `${line}:${column} ${url} ${code}`
  let compiled = units.get(key)
  if (compiled !== undefined) {
    units.delete(key)
  } else {
    compiled = compile(code, parameters, { filename: url, lineOffset: line, columnOffset: column })
    if (units.size >= MOST_UNITS) for (const oldest of units.keys()) if (units.delete(oldest)) break
  }
  units.set(key, compiled)
  return compiled
}

/** Uses `vm.compileFunction`: `new Function` may be forbidden, and takes neither a place nor a loader. */
function compile(code: string, parameters: readonly string[], options: CompileFunctionOptions): Compiled {
  const vm = process.getBuiltinModule('node:vm')
  if (/\bimport\b/.test(code)) {
    prime(vm)
    options.importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never
  }
  return vm.compileFunction(code, parameters, options) as Compiled
}

/** Node warns once that this use of a loader is experimental. The program has not asked for it, so the warning is suppressed. */
function prime(vm: typeof import('node:vm')): void {
  if (isPrimed) return
  isPrimed = true
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never
    const load = vm.compileFunction("return import('node:vm')", [], {
      importModuleDynamically
    }) as () => Promise<unknown>
    load().catch(() => {})
  } finally {
    process.emitWarning = emitWarning
  }
}
