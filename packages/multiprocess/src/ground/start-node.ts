/** Starts Node. If the system refuses, throws an error with the true reason. */
import type { ChildProcess } from 'node:child_process'
import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { devNull } from 'node:os' // lazy
import { ProcessError } from '../errors.ts'
import { nodeEnvironment } from './os/runtime.ts'
import { startedNode } from './os/started.ts'

/** The program that this process runs, even after an upgrade has replaced or removed its file: proc_pid_exe(5). */
const OWN_IMAGE = '/proc/self/exe'

/**
 * Starts Node.
 * @param fds the descriptors that the child has from 3 on
 * @returns a process that has a pid
 * @throws ProcessError with the reason
 */
export function startNode(argv: readonly string[], fds: readonly number[]): ChildProcess {
  const started = spawnNode(process.execPath, argv, fds)
  if (started !== undefined) return started
  const missing = failureOf(() => accessSync(process.execPath, constants.X_OK))
  if (missing === undefined) throw refused(fileShortage())
  // A program that sets another `process.execPath` means that file.
  const again = process.execPath === startedNode ? spawnNode(OWN_IMAGE, argv, fds) : undefined
  if (again !== undefined) return again
  const { code } = missing
  throw new ProcessError(
    `cannot start ${process.execPath}: ${code === 'ENOENT' ? 'it does not exist' : 'it may not be run'} (${code}); set process.execPath to Node's file`,
    { cause: missing }
  )
}

/** Returns undefined if Node could not be started: Node reports the reason later, as an event. */
function spawnNode(file: string, argv: readonly string[], fds: readonly number[]): ChildProcess | undefined {
  const child = process
    .getBuiltinModule('node:child_process')
    .spawn(file, argv, { stdio: ['ignore', 'inherit', 'inherit', ...fds], env: nodeEnvironment() })
  child.on('error', () => {})
  return child.pid === undefined ? undefined : child
}

/** @param files the error of opening a file at this moment; undefined if files can be opened */
function refused(files: NodeJS.ErrnoException | undefined): ProcessError {
  const reason =
    files === undefined
      ? 'EAGAIN or ENOMEM; the system has no more processes or memory for this user or group: raise ulimit -u or pids.max'
      : textOfShortage(files.code)
  return new ProcessError(`cannot start ${process.execPath}: ${reason}`, { cause: files })
}

/** Returns the error of opening a file at this moment; undefined if files can be opened. */
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
