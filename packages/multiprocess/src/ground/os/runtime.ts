/** What runs this program, if that is not Node itself: such a program cannot start processes as Node's can. */

interface Elsewhere {
  readonly Bun?: object
  readonly Deno?: object
}

let known: { readonly reason: string | undefined } | undefined

/** Why this program cannot start processes, whatever the platform; undefined: Node runs it. */
export function unsuitedRuntime(): string | undefined {
  known ??= { reason: look() }
  return known.reason
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

/** Single executable applications: Node's own, and those of pkg and nexe. */
function isSingleExecutable(): boolean {
  const { pkg, __nexe } = process as { pkg?: unknown; __nexe?: unknown }
  if (pkg !== undefined || __nexe !== undefined) return true
  return process.getBuiltinModule('node:sea')?.isSea() ?? false
}

/** Electron runs a script as Node does when it is told so by this variable; it would open the application once more otherwise. */
export function nodeEnvironment(): NodeJS.ProcessEnv | undefined {
  return process.versions.electron === undefined ? undefined : { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
}
