import { closeSync, openSync, rmSync } from 'node:fs'
import { reasonOf } from '../format/output.ts'
import { openDatabase } from './sqlite/database.ts'
import { lockFile } from './sqlite/lock.ts'
import { prepareSchema } from './sqlite/schema.ts'
import { SqliteStore } from './sqlite/sqlite-store.ts'
import { StoreError } from './store-error.ts'

/** The options of `openStore`. */
export interface StoreOptions {
  /** True to remove first what the file holds. Default: false. */
  fresh?: boolean
}

/**
 * Opens a store in a file of SQLite for a crawl, and creates the file if it does not exist. The unfinished URLs of a crawl that was killed
 * wait again. Only one program at a time can have a file open; others may read it.
 * @param path the path of the file; '' for a temporary one that disappears with the store
 * @throws StoreError if another crawl uses the file, or it is not a database of this program
 * @example
 * import { openStore } from 'crawl/store'
 *
 * const store = await openStore('') // a temporary store
 * await store.add([{ url: 'http://localhost/', depth: 0, from: null, error: null }])
 * console.log(store.counts.waiting) // 1
 * await store.close()
 */
export async function openStore(path: string, { fresh = false }: StoreOptions = {}): Promise<SqliteStore> {
  if (path !== '') checkPath(path)
  const unlock = path === '' ? () => {} : await lockFile(path)
  try {
    if (fresh && path !== '') for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true })
    const database = await openDatabase(path)
    try {
      prepareSchema(database, path)
      const store = new SqliteStore(database, unlock)
      await store.reclaim(0)
      return store
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Throws an error with the system's reason, which SQLite does not give, and leaves an existing file unchanged. */
function checkPath(path: string): void {
  try {
    closeSync(openSync(path, 'a'))
  } catch (error) {
    throw new StoreError(`cannot open ${JSON.stringify(path)}: ${reasonOf(error as NodeJS.ErrnoException)}`, {
      cause: error
    })
  }
}

/**
 * Opens a store for reading, even while a crawl uses it. Changes to it fail.
 * @throws StoreError if the file is not a database of this program
 */
export async function readStore(path: string): Promise<SqliteStore> {
  checkPath(path)
  const database = await openDatabase(path)
  try {
    prepareSchema(database, path)
    database.exec('PRAGMA query_only = ON')
    return new SqliteStore(database)
  } catch (error) {
    database.close()
    throw error
  }
}
