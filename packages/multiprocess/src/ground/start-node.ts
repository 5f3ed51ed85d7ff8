/** Starting Node, or telling truly why the system refuses it. */
import type { ChildProcess } from 'node:child_process'
import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { devNull } from 'node:os' // lazy
import { ProcessError } from '../errors.ts'
import { nodeEnvironment } from './os/runtime.ts'
import { startedNode } from './os/started.ts'

/** What this process runs, also after its file was replaced or removed, as an upgrade does: proc_pid_exe(5). */
const OWN_IMAGE = '/proc/self/exe'

/**
 * @param fds the descriptors that the child has from 3 on
 * @returns a process that has a pid
 * @throws ProcessError with the reason
 */
export function startNode(argv: readonly string[], fds: readonly number[]): ChildProcess {
  const started = spawnNode(process.execPath, argv, fds)
  if (started !== undefined) return started
  const missing = failureOf(() => accessSync(process.execPath, constants.X_OK))
  if (missing === undefined) throw refused(fileShortage())
  // A program that names another file means that one.
  const again = process.execPath === startedNode ? spawnNode(OWN_IMAGE, argv, fds) : undefined
  if (again !== undefined) return again
  const { code } = missing
  throw new ProcessError(
    `cannot start ${process.execPath}: ${code === 'ENOENT' ? 'it does not exist' : 'it may not be run'} (${code}); set process.execPath to Node's file`,
    { cause: missing }
  )
}

/** undefined when it could not be started: Node tells the reason later, as an event. */
function spawnNode(file: string, argv: readonly string[], fds: readonly number[]): ChildProcess | undefined {
  const child = process
    .getBuiltinModule('node:child_process')
    .spawn(file, argv, { stdio: ['ignore', 'inherit', 'inherit', ...fds], env: nodeEnvironment() })
  child.on('error', () => {})
  return child.pid === undefined ? undefined : child
}

/** @param files what opening a file fails with just now; undefined: files can be opened */
function refused(files: NodeJS.ErrnoException | undefined): ProcessError {
  const reason =
    files === undefined
      ? 'EAGAIN or ENOMEM; the system has no more processes or memory for this user or group: raise ulimit -u or pids.max'
      : textOfShortage(files.code)
  return new ProcessError(`cannot start ${process.execPath}: ${reason}`, { cause: files })
}

/** What opening a file fails with just now; undefined: files can be opened. */
export function fileShortage(): NodeJS.ErrnoException | undefined {
  return failureOf(() => closeSync(openSync(devNull, 'r')))
}

export function textOfShortage(code: string | undefined): string {
  return `${code}; no more files can be opened: raise ulimit -n`
}

function failureOf(action: () => void): NodeJS.ErrnoException | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}
