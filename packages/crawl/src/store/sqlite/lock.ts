import { rmSync } from 'node:fs'
import { StoreError } from '../store-error.ts'
import { openDatabase } from './database.ts'

/**
 * Keeps other programs from crawling into the same database. The lock is one of the operating system on a file next to the database, so it
 * ends with its process, however that ends.
 * @param path the path of the database
 * @returns a function that ends the lock
 * @throws StoreError if another program has the lock
 */
export async function lockFile(path: string): Promise<() => void> {
  const lockPath = `${path}-lock`
  const lock = await openDatabase(lockPath)
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new StoreError(
      `cannot crawl into ${JSON.stringify(path)}: another crawl is using it; wait for its end, or use another file`,
      {
        cause: error
      }
    )
  }
  return () => {
    rmSync(lockPath, { force: true })
    lock.exec('ROLLBACK')
    lock.close()
  }
}
