/** A database of SQLite: `node:sqlite` if Node has it, otherwise the package `libsql`. */
export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export type Value = string | number | null
export type Row = Record<string, Value>

export interface Statement {
  run(...values: Value[]): void
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): Row[]
  iterate(...values: Value[]): Iterable<Row>
}

/**
 * Opens a database, and creates it if it does not exist.
 * @param path the path of a file; '' for a temporary database that disappears when it is closed, or when the process ends
 * @throws Error if the file cannot be opened
 */
export async function openDatabase(path: string): Promise<Database> {
  const own = ownSqlite()
  if (own) return new own.DatabaseSync(path)
  const { default: Libsql } = (await import('libsql').catch(error => {
    throw new Error(
      `cannot store pages in SQLite: Node ${process.version} has no node:sqlite, and the package libsql cannot be loaded ` +
        `(${(error as Error).message.split('\n', 1)[0]}); use Node 22.13 or newer, or install libsql`,
      { cause: error }
    )
  })) as unknown as { default: new (path: string) => LibsqlDatabase }
  return new LibsqlFace(new Libsql(path))
}

interface OwnSqlite {
  DatabaseSync: new (path: string) => Database
}

/** Returns Node's own module; undefined if Node has none. */
function ownSqlite(): OwnSqlite | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown }
  const { emitWarning } = process
  // Node 22 and 24 warn that the module is experimental, which is of no use to the crawler's reader.
  process.emitWarning = () => {}
  try {
    return getBuiltinModule?.('node:sqlite') as OwnSqlite | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

interface LibsqlDatabase {
  exec(sql: string): unknown
  prepare(sql: string): LibsqlStatement
  close(): void
}

interface LibsqlStatement {
  run(...values: Value[]): unknown
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): Row[]
  iterate(...values: Value[]): Iterable<Row>
}

class LibsqlFace implements Database {
  readonly #database: LibsqlDatabase

  constructor(database: LibsqlDatabase) {
    this.#database = database
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  prepare(sql: string): Statement {
    const statement = this.#database.prepare(sql)
    return {
      run: (...values) => void statement.run(...values),
      get: (...values) => {
        const row = statement.get(...values)
        // libsql adds how long the query took.
        if (row) delete row['_metadata']
        return row
      },
      all: (...values) => statement.all(...values),
      iterate: (...values) => statement.iterate(...values)
    }
  }

  close(): void {
    this.#database.close()
  }
}
