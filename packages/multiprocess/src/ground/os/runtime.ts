/** Detects runtimes other than Node. They cannot start processes in the way that Node can. */

interface Elsewhere {
  readonly Bun?: object
  readonly Deno?: object
}

let known: { readonly reason: string | undefined } | undefined

/** Returns the reason why this runtime cannot start processes on any platform, or undefined if the runtime is Node. */
export function unsuitedRuntime(): string | undefined {
  known ??= { reason: look() }
  return known.reason
}

/** Deno's descriptors are not those of the system, by which system calls name files. */
export function hasOwnDescriptors(): boolean {
  return (globalThis as Elsewhere).Deno !== undefined
}

function look(): string | undefined {
  const { Bun, Deno } = globalThis as Elsewhere
  if (Bun !== undefined) return 'processes need Node, and Bun runs this program'
  if (Deno !== undefined) return 'processes need Node, and Deno runs this program'
  if (isSingleExecutable()) {
    return `processes need Node, and ${process.execPath} is a single executable, which would run this program again in each child`
  }
  return undefined
}

/** Returns true in a single executable application of Node, pkg or nexe. */
function isSingleExecutable(): boolean {
  const { pkg, __nexe } = process as { pkg?: unknown; __nexe?: unknown }
  if (pkg !== undefined || __nexe !== undefined) return true
  return process.getBuiltinModule('node:sea')?.isSea() ?? false
}

/**
 * Returns the environment that makes Electron run a script as Node does (without it, Electron opens the application again), or
 * undefined if this is not Electron.
 */
export function nodeEnvironment(): NodeJS.ProcessEnv | undefined {
  return process.versions.electron === undefined ? undefined : { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
}
