import { closeSync, openSync, readSync } from 'node:fs'

/**
 * Returns random bytes for keys, from the kernel. node:crypto would return the same bytes, but takes 4 ms of processor time to
 * load.
 */
export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let fd: number
  try {
    fd = openSync('/dev/urandom', 'r')
  } catch {
    return process.getBuiltinModule('node:crypto').randomBytes(length)
  }
  try {
    let read = 0
    while (read < length) read += readSync(fd, bytes, read, length - read, null)
    return bytes
  } finally {
    closeSync(fd)
  }
}
