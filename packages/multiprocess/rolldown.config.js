// What is published: few files, since each one that a process loads costs it half a millisecond. What every child process
// needs is one of them, what a pool's worker needs besides another, and the rest the third.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'rolldown'

const file = path => fileURLToPath(new URL(path, import.meta.url))
const input = {
  index: file('src/index.ts'),
  threads: file('src/threads.ts'),
  'child-main': file('src/process/child-main.ts'),
  'thread-main': file('src/process/thread-main.ts'),
  worker: file('src/pool/worker.ts')
}
const entries = new Set(Object.values(input))

/** The modules that `id` imports, and theirs, and itself. */
function addModules(found, id, context) {
  if (found.has(id)) return found
  found.add(id)
  for (const imported of context.getModuleInfo(id)?.importedIds ?? []) addModules(found, imported, context)
  return found
}

/** One file of all that `entry` imports. Entries, and what is imported while the program runs, have files of their own. */
function group(name, entry, priority) {
  let modules
  return {
    name: (id, context) => {
      modules ??= addModules(new Set(), entry, context)
      return modules.has(id) && !entries.has(id) ? name : null
    },
    debugName: name,
    priority
  }
}

/**
 * An import statement reads every export of Node's own module, and so runs each lazy getter: 2 ms for `node:fs` alone.
 * Asking for the module itself does not.
 */
const builtins = {
  name: 'builtins',
  renderChunk: code => ({
    code: code.replaceAll(/^import (?:(\w+)(?:, )?)?(\{.*\})? ?from "(node:\w+)";$/gm, (_, name, names, id) => {
      const parts = [name, names?.replaceAll(' as ', ': ')].filter(part => part !== undefined)
      return parts.map(part => `const ${part} = process.getBuiltinModule("${id}");`).join(' ')
    }),
    map: null
  })
}

export default defineConfig({
  input,
  platform: 'node',
  logLevel: 'warn',
  plugins: [builtins],
  output: {
    dir: file('dist/lib'),
    cleanDir: true,
    format: 'esm',
    chunkFileNames: '[name].js',
    sourcemap: true,
    codeSplitting: {
      groups: [
        group('child', input['child-main'], 3),
        group('member', input.worker, 2),
        group('library', input.index, 1)
      ]
    }
  }
})
