/**
 * Which start method the default face, `multiprocess`, has here: processes, or threads where processes cannot be had. The program is
 * warned once then of what it loses.
 */
import { MultiprocessError } from '../errors.ts'
import { inherited } from './members/inheritance.ts'
import type { StartMethod } from './members/platform.ts'
import { unsuitedRuntime } from './os/runtime.ts'
import { checkPlatform, hasBinary, system } from './os/system.ts'

/** The code of the warning. */
const WARNING_CODE = 'MULTIPROCESS_THREADS'

let chosen: StartMethod | undefined

/** 'spawn'; 'thread' where processes cannot be had, with one warning of the program's first thread. */
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

/** Returns true if processes can be had here, as far as that can be told without loading anything. */
export function hasProcesses(): boolean {
  if (chosen !== undefined) return chosen === 'spawn'
  try {
    checkSuited()
    return hasBinary()
  } catch {
    return false
  }
}

/** @throws MultiprocessError (`ERR_UNSUPPORTED_PLATFORM`) where processes cannot be had, with the reason */
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

/** undefined where processes can be had. @throws MultiprocessError when the program itself has forbidden what they need */
function reasonAgainstProcesses(): string | undefined {
  try {
    checkSuited()
    system()
    return undefined
  } catch (error) {
    const { message, cause } = error as MultiprocessError
    // Whoever starts Node without the right to load addons can give it that right.
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_DLOPEN_DISABLED') throw error
    return message.replace(/; [^;]*$/, '')
  }
}
