import { closeSync, openSync, rmSync } from 'node:fs'
import { reasonOf } from '../format/output.ts'
import { openDatabase } from './sqlite/database.ts'
import { lockFile } from './sqlite/lock.ts'
import { prepareSchema } from './sqlite/schema.ts'
import { SqliteStore } from './sqlite/sqlite-store.ts'
import { StoreError } from './store-error.ts'

/** How `openStore` opens a file. */
export interface StoreOptions {
  /** Removes what the file holds first. Default: false. */
  fresh?: boolean
}

/**
 * Opens a store in a file of SQLite for a crawl, and creates the file when it does not exist. What a crawl that was killed had
 * under way waits again. One program at a time can have a file open; others may read it.
 *
 * @param path of the file; '' for a temporary one that disappears with the store
 * @throws StoreError when another crawl uses the file, or when it is no database of this program
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

/** Fails with the system's reason, which SQLite does not tell, and leaves a file that is there as it is. */
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
 * Opens a store to be read, also while a crawl uses it. What it is asked to change fails.
 *
 * @throws StoreError when the file is no database of this program
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
