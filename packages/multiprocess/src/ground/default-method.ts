/**
 * The start method of the default face, `multiprocess`: processes, or threads where processes are not available. In the latter
 * case, one warning tells the program what it loses.
 */
import { MultiprocessError } from '../errors.ts'
import { inherited } from './members/inheritance.ts'
import type { StartMethod } from './members/platform.ts'
import { unsuitedRuntime } from './os/runtime.ts'
import { checkPlatform, hasBinary, system } from './os/system.ts'

/** The code of the warning. */
const WARNING_CODE = 'MULTIPROCESS_THREADS'

let chosen: StartMethod | undefined

/** Returns 'spawn', or 'thread' where processes are not available; the program's first thread then prints one warning. */
export function defaultMethod(): StartMethod {
  chosen ??= choose()
  return chosen
}

function choose(): StartMethod {
  if (inherited()?.method === 'spawn') return 'spawn'
  const reason = reasonAgainstProcesses()
  if (reason === undefined) return 'spawn'
  if (inherited()?.method !== 'thread') {
    process.emitWarning(
      `multiprocess runs on threads here, not on processes: ${reason}. A crash of one ends them all, they get no signals, ` +
        'and the working directory and umask are common to all; import multiprocess/threads to choose this without a warning',
      { type: 'MultiprocessWarning', code: WARNING_CODE }
    )
  }
  return 'thread'
}

/** Returns true if processes are available, as far as this can be known without loading anything. */
export function hasProcesses(): boolean {
  if (chosen !== undefined) return chosen === 'spawn'
  try {
    checkSuited()
    return hasBinary()
  } catch {
    return false
  }
}

/** @throws MultiprocessError (`ERR_UNSUPPORTED_PLATFORM`), with the reason, if processes are not available */
export function checkProcesses(): void {
  const reason = reasonAgainstProcesses()
  if (reason === undefined) return
  throw new MultiprocessError(
    `cannot use the start method 'spawn' here: ${reason}; use getContext('thread') or multiprocess/threads`,
    { code: 'ERR_UNSUPPORTED_PLATFORM' }
  )
}

function checkSuited(): void {
  const reason = unsuitedRuntime()
  if (reason !== undefined) throw new MultiprocessError(reason, { code: 'ERR_UNSUPPORTED_PLATFORM' })
  checkPlatform('processes', 'threads run everywhere')
}

/**
 * Returns the reason why processes are not available, or undefined. @throws MultiprocessError if the program itself forbids what
 * they need
 */
function reasonAgainstProcesses(): string | undefined {
  try {
    checkSuited()
    system()
    return undefined
  } catch (error) {
    const { message, cause } = error as MultiprocessError
    // Node was started without the right to load addons; its options can give that right.
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_DLOPEN_DISABLED') throw error
    return message.replace(/; [^;]*$/, '')
  }
}
