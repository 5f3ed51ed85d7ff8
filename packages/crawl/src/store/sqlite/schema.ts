import { FIELDS, type PageResult } from '../../result.ts'
import { StoreError } from '../store-error.ts'
import type { Database, Value } from './database.ts'

/** "crwl", in the header of every database of this program (SQLite's `application_id`). */
const APPLICATION_ID = 0x6372776c
/** Databases of other versions are refused. */
const SCHEMA_VERSION = 1

/** The state of a URL. */
export const State = { mentioned: 0, waiting: 1, leased: 2, finished: 3, skipped: 4 } as const

/** Fields that are lists or objects: they are stored as JSON. */
const JSON_FIELDS: ReadonlySet<string> = new Set(['redirects', 'robots', 'hreflang', 'data'])
/** Fields that are true or false: they are stored as 1 or 0. */
const BOOLEAN_FIELDS: ReadonlySet<string> = new Set(['truncated'])

const tables = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE urls (
  id INTEGER PRIMARY KEY,
  url TEXT NOT NULL,
  state INTEGER NOT NULL,
  depth INTEGER,
  turn INTEGER,
  foundOn INTEGER,
  error TEXT,
  reason TEXT,
  generation INTEGER NOT NULL DEFAULT 0,
  owner INTEGER,
  leasedAt INTEGER
);
CREATE INDEX urls_waiting ON urls (depth, turn) WHERE state = ${State.waiting};
CREATE INDEX urls_leased ON urls (leasedAt) WHERE state = ${State.leased};
CREATE TABLE pages (
  number INTEGER PRIMARY KEY,
  id INTEGER NOT NULL UNIQUE REFERENCES urls (id),
  ${FIELDS.map(quote).join(',\n  ')}
);
CREATE TABLE links (
  source INTEGER NOT NULL REFERENCES urls (id),
  target INTEGER NOT NULL REFERENCES urls (id),
  kind TEXT NOT NULL,
  text TEXT,
  rel TEXT,
  anchor TEXT
);
CREATE INDEX links_source ON links (source);
CREATE INDEX links_target ON links (target);
CREATE TABLE hops (
  source INTEGER PRIMARY KEY REFERENCES urls (id),
  status INTEGER NOT NULL,
  target INTEGER NOT NULL REFERENCES urls (id)
);
CREATE INDEX hops_target ON hops (target);
CREATE VIEW link_urls AS
  SELECT s.url AS source, t.url AS target, kind, text, rel, anchor
  FROM links JOIN urls s ON s.id = links.source JOIN urls t ON t.id = links.target;
`

/**
 * Prepares a database for use, and creates its tables if it is empty.
 * @param path the name of the file in messages
 * @throws StoreError if the file is not a database of this program, or of another version of it
 */
export function prepareSchema(database: Database, path: string): void {
  let version: Value
  try {
    database.exec('PRAGMA busy_timeout = 5000')
    const id = pragma(database, 'application_id')
    version = pragma(database, 'user_version')
    const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_master').get()!
    if (id !== APPLICATION_ID && (id !== 0 || version !== 0 || tables !== 0)) {
      throw new StoreError('it is a database of another program; use another file')
    }
    if (id === APPLICATION_ID && version !== SCHEMA_VERSION) {
      throw new StoreError(`it was written by another version of crawl; use that version, or start over with --fresh`)
    }
    if (id !== APPLICATION_ID) create(database)
  } catch (error) {
    const { message } = error as Error
    const reason = /not a database/.test(message) ? 'it is not an SQLite database; use another file' : message
    throw new StoreError(`cannot open ${JSON.stringify(path)}: ${reason}`, { cause: error })
  }
}

function create(database: Database): void {
  database.exec('BEGIN IMMEDIATE')
  database.exec(tables)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
  database.exec('COMMIT')
}

function pragma(database: Database, name: string): Value {
  return Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0]
}

/** Returns the fields of a page as values of columns, in the order of `FIELDS`. */
export function toColumns(page: PageResult): Value[] {
  return FIELDS.map(field => {
    const value: unknown = page[field]
    if (value === null || value === undefined) return null
    if (JSON_FIELDS.has(field)) return JSON.stringify(value) ?? null
    return BOOLEAN_FIELDS.has(field) ? Number(value) : (value as Value)
  })
}

/** Returns the page of a row of `pages`. */
export function toPage(row: Record<string, Value>): PageResult {
  const page = FIELDS.map(field => {
    const value = row[field] ?? null
    if (value === null) return [field, null]
    if (JSON_FIELDS.has(field)) return [field, JSON.parse(value as string)]
    return [field, BOOLEAN_FIELDS.has(field) ? value === 1 : value]
  })
  return Object.fromEntries(page) as PageResult
}

/** Returns a name for SQL. */
export function quote(name: string): string {
  return `"${name}"`
}
