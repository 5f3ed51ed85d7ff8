/** Names of segments, which are names of files. */
import { statSync, unlinkSync } from 'node:fs'
import { segmentError } from './errors.ts'

/** Where POSIX shared memory has its names on Linux: shm_overview(7). */
export const DIRECTORY = '/dev/shm'

export function pathOf(name: string): string {
  return `${DIRECTORY}/${name}`
}

/**
 * Takes the name from the segment with this inode, and from no other that has got it since.
 * @returns false when the segment does not have the name
 */
export function unlinkIf(name: string, inode: bigint): boolean {
  try {
    if (statSync(pathOf(name), { bigint: true }).ino !== inode) return false
    unlinkSync(pathOf(name))
    return true
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    throw segmentError(code, 'unlink', name, error)
  }
}
