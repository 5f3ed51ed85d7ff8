/** The names of segments, which are names of files. */
import { statSync, unlinkSync } from 'node:fs'
import { segmentError } from './errors.ts'

/** The directory of the names of POSIX shared memory on Linux: shm_overview(7). */
export const DIRECTORY = '/dev/shm'

export function pathOf(name: string): string {
  return `${DIRECTORY}/${name}`
}

/**
 * Unlinks the name if it belongs to the segment with this inode, and not if a later segment has got it.
 * @returns false if the segment does not have the name
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
