/**
 * The modules of the main program. A child never runs them again, so nothing in them is named by reference: neither in the program's first
 * process, nor in its children, which learn through `setEntries` what the first process found.
 */

import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module' // lazy
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startedScript } from '../../ground/os/started.ts'

const OPTIONS_WITH_VALUE = /^(?:-r|-C|--require|--import|--loader|--experimental-loader|--conditions|--env-file)$/

let known: readonly string[] | undefined
let keys: ReadonlySet<string> | undefined

/** Sets the entries of the family's first process, in a child before any user code runs there. */
export function setEntries(urls: readonly string[]): void {
  known = [...urls]
  keys = undefined
}

/**
 * Returns the URLs of the modules that are the main program: the script that Node was started with, under each name by which it may have
 * been loaded (as written, with its extension or `package.json` resolved, with symbolic links followed) and, in a worker thread, the
 * worker's own script, too. Empty if the program has no file (`node -e`, standard input, REPL).
 */
export function entries(): string[] {
  known ??= findEntries()
  return [...known]
}

/** Returns true if `url` belongs to the main program: one of `entries()`, `node -e`, standard input, or the REPL. */
export function isEntry(url: string): boolean {
  keys ??= new Set(entries().map(keyOf))
  return isTyped(url) || keys.has(keyOf(url))
}

function isTyped(url: string): boolean {
  return /^(?:.*\/)?\[(?:eval|stdin|worker eval)\d*\]$/.test(url) || /^REPL\d*$/.test(url)
}

/** Returns the URL without query and fragment. These make another module of the same file, but running it would run the program again. */
function keyOf(url: string): string {
  try {
    const parsed = new URL(url)
    return parsed.protocol === 'file:' ? fileURLToPath(parsed) : url
  } catch {
    return url
  }
}

function findEntries(): string[] {
  const urls = new Set<string>()
  // In `node -e code file`, the file is an argument and not a script.
  if (startedScript !== undefined && (process as { _eval?: unknown })._eval === undefined)
    addScript(urls, startedScript)
  const { main } = createRequire(import.meta.url)
  if (main?.filename) addScript(urls, main.filename)
  if (!process.getBuiltinModule('node:worker_threads').isMainThread) {
    const script = scriptOfCommandLine()
    if (script !== undefined) addScript(urls, script)
  }
  return [...urls].filter(url => !isTyped(url))
}

function addScript(urls: Set<string>, script: string): void {
  if (script === '-') return
  if (/^(?:file|data):/.test(script)) {
    urls.add(script)
    return
  }
  const absolute = path.resolve(script)
  const files = [absolute]
  const attempts = [() => createRequire(import.meta.url).resolve(absolute), () => realpathSync(files.at(-1)!)]
  for (const attempt of attempts) {
    try {
      files.push(attempt())
    } catch {
      // Not every script can be resolved in each way; for example, only a loader may know one without an extension.
    }
  }
  for (const file of files) urls.add(pathToFileURL(file).href)
}

/** Returns the script of the process in a worker thread, which cannot know it otherwise. The command line has it, if there is a /proc. */
function scriptOfCommandLine(): string | undefined {
  try {
    const words = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(1, -1)
    const index = words.findIndex((word, at) => !word.startsWith('-') && !OPTIONS_WITH_VALUE.test(words[at - 1] ?? ''))
    if (index < 0 || words.slice(0, index).some(word => /^-(?:e|p|pe)$|^--(?:eval|print)$/.test(word))) return undefined
    return words[index]
  } catch {
    return undefined
  }
}
