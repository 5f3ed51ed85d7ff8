/** The errors of named shared memory, with what to do. */
import { statfsSync } from 'node:fs'
import { MultiprocessError } from '../../errors.ts'

/** Returns an error for a failed system call or a failed call of `node:fs`; `code` names the failure. */
export function segmentError(
  code: string,
  doing: string,
  name: string | undefined,
  cause?: unknown
): MultiprocessError {
  const what = name === undefined ? 'shared memory' : `shared memory named ${JSON.stringify(name)}`
  return new MultiprocessError(`cannot ${doing} ${what}: ${reasonOf(code, name === undefined)}`, { code, cause })
}

function reasonOf(code: string, isNameless: boolean): string {
  switch (code) {
    case 'ENOENT':
      return isNameless
        ? '/dev/shm does not exist; mount a tmpfs there'
        : 'it does not exist; it was never created, or it has been unlinked'
    case 'EEXIST':
      return 'it exists already; attach to it by leaving out `create`, or choose another name'
    case 'EACCES':
    case 'EPERM':
      return `permission denied (${code}); it belongs to another user`
    case 'EMFILE':
    case 'ENFILE':
      return `too many open files (${code}); raise the limit, or close some`
    case 'ELOOP':
      return 'its name is that of a symbolic link (ELOOP); use another name'
    default:
      return code
  }
}

export function noRoom(size: number, code: string): MultiprocessError {
  let left = ''
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    left = ` (${bavail * bsize} bytes are left)`
  } catch {
    // The error tells the free bytes only if they can be read.
  }
  return new MultiprocessError(
    `cannot create shared memory of ${size} bytes: no room in /dev/shm${left}; ` +
      'unlink what is no longer used, or make /dev/shm larger (in a container, with --shm-size)',
    { code }
  )
}
