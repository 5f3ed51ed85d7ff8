/** Compiles received code, so that it stands where it stood in its module: by URL, line and column. */

import type { CompileFunctionOptions } from 'node:vm'

type Compiled = (...args: unknown[]) => unknown

const units = new Map<string, Compiled>()
const MOST_UNITS = 1000
let isPrimed = false

/** A function whose `import()` is resolved as in the module at `url`. Compiled once for each text and place. */
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

/** `vm.compileFunction`, as `new Function` may be forbidden, and knows neither place nor loader. */
function compile(code: string, parameters: readonly string[], options: CompileFunctionOptions): Compiled {
  const vm = process.getBuiltinModule('node:vm')
  if (/\bimport\b/.test(code)) {
    prime(vm)
    options.importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never
  }
  return vm.compileFunction(code, parameters, options) as Compiled
}

/** Node warns, once, that this use of a loader is experimental; the program has not asked for it. */
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
