import type { LinkRecord } from '../../page/record.ts'
import { FIELDS, type PageResult } from '../../result.ts'
import type { Counts, FoundUrl, Lease, Leases, Store, Visit } from '../store.ts'
import { StoreError } from '../store-error.ts'
import type { Database, Row, Statement, Value } from './database.ts'
import { quote, State, toColumns } from './schema.ts'
import { UrlIds } from './url-ids.ts'

/** The longest wait between two looks at a frontier that others may add to, in milliseconds. */
const RETRY_MS = 50

/** A store in a database of SQLite, for one program at a time. */
export class SqliteStore implements Store {
  readonly #database: Database
  readonly #onClose: () => void
  readonly #urls: UrlIds
  readonly #statements: Statements
  #counts: Totals
  /** Waiting URLs are numbered as they are found. */
  #turn: number
  /** True if a transaction has begun and is not committed. */
  #isOpen = false
  /** The ids of URLs that the open transaction has handed out. */
  #handed: Value[] = []

  /**
   * @param database a database with its tables; it is closed with the store
   * @param onClose is called once the database is closed
   */
  constructor(database: Database, onClose: () => void = () => {}) {
    this.#database = database
    this.#onClose = onClose
    // A commit survives the end of the process; after a power failure, the last commits may be missing, but nothing is torn.
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = NORMAL')
    database.exec('PRAGMA cache_size = -32000')
    database.exec('PRAGMA wal_autocheckpoint = 4000')
    this.#urls = new UrlIds(database)
    this.#statements = prepare(database)
    this.#counts = count(database)
    this.#turn = Number(database.prepare('SELECT coalesce(max(turn), 0) AS turn FROM urls').get()!['turn'])
  }

  readonly keepsPages = true

  get counts(): Counts {
    const { waiting } = this.#counts
    const next = waiting > 0 ? this.#statements.nextDepth.get()!['depth'] : null
    return { ...this.#counts, nextDepth: next === null ? Number.POSITIVE_INFINITY : Number(next) }
  }

  async add(urls: readonly FoundUrl[]): Promise<void> {
    this.#step(() => {
      for (const found of urls) this.#add(found)
    })
  }

  async lease(most: number): Promise<Leases> {
    if (this.#counts.waiting === 0) return { leases: [], waitMs: this.#counts.leased === 0 ? null : RETRY_MS }
    const leases = this.#try(() => this.#statements.waiting.all(most).map(row => this.#hand(row)))
    return { leases, waitMs: null }
  }

  async take(found: FoundUrl): Promise<Lease | null> {
    return this.#step(() => {
      this.#add(found)
      const row = this.#statements.waitingUrl.get(this.#urls.idOf(found.url))
      return row ? this.#hand(row) : null
    })
  }

  async claim(lease: Lease, url: string): Promise<boolean> {
    return this.#step(() => {
      const holder = this.#held(lease)
      if (!holder) return false
      const id = this.#urls.idOf(url)
      const { state } = this.#statements.url.get(id)!
      if (state === State.leased || state === State.finished) return false
      if (state === State.waiting) this.#counts.waiting--
      this.#counts.leased++
      this.#statements.claim.run(holder['depth'], holder['id'], holder['id'], Date.now(), id)
      return true
    })
  }

  async finish(lease: Lease, visit: Visit): Promise<boolean> {
    return this.#step(() => {
      const held = this.#held(lease)
      if (!held) return false
      this.#counts.leased -= Number(this.#statements.heldNumber.get(held['id'], held['id'])!['number'])
      this.#statements.finish.run(held['id'], held['id'])
      this.#statements.depth.run(visit.depth, held['id'])
      const isNew = visit.page !== null && this.#addPage(visit.page, visit.links)
      if (isNew && lease.error === null) this.#counts.visits++
      for (const { url, status, target } of visit.hops) {
        this.#statements.hop.run(this.#urls.idOf(url), status, this.#urls.idOf(target))
      }
      for (const { url, reason } of visit.skipped) this.#statements.skip.run(reason, this.#urls.idOf(url))
      for (const found of visit.found) this.#add(found)
      if (visit.written !== undefined) this.#statements.meta.run('written', String(visit.written))
      return isNew || visit.page === null
    })
  }

  async renew(leases: readonly Lease[]): Promise<void> {
    this.#step(() => {
      for (const { url, generation } of leases) this.#statements.renew.run(Date.now(), this.#urls.idOf(url), generation)
    })
  }

  async release(lease: Lease): Promise<boolean> {
    return this.#step(() => {
      const held = this.#held(lease)
      if (!held) return false
      this.#giveBack(held)
      return true
    })
  }

  async reclaim(ageMs: number): Promise<number> {
    return this.#step(() => {
      const old = this.#statements.old.all(Date.now() - ageMs)
      for (const held of old) this.#giveBack(held)
      return old.length
    })
  }

  async close(): Promise<void> {
    try {
      if (this.#isOpen) this.#commit()
      // Leaves one file, even if the library keeps the log's files when it closes. A reader may prevent this.
      this.#database.exec('PRAGMA journal_mode = DELETE')
    } catch {}
    this.#database.close()
    this.#onClose()
  }

  /** Returns a value that was stored with `setMeta`. */
  meta(key: string): string | undefined {
    return this.#statements.getMeta.get(key)?.['value'] as string | undefined
  }

  /** Stores a value about the crawl as a whole. */
  setMeta(key: string, value: string): void {
    this.#step(() => this.#statements.meta.run(key, value))
  }

  /** The database, for queries. */
  get database(): Database {
    return this.#database
  }

  /** Runs a function as one transaction, and commits it. */
  #step<T>(run: () => T): T {
    return this.#try(() => {
      const value = run()
      this.#commit()
      return value
    })
  }

  /**
   * Runs a function in a transaction, which the next step commits. A lease needs no commit of its own: if the process dies before that step,
   * the URL waits again, as it would after a commit.
   */
  #try<T>(run: () => T): T {
    const counts = { ...this.#counts }
    const handed = [...this.#handed]
    if (!this.#isOpen) this.#statements.begin.run()
    this.#isOpen = true
    try {
      return run()
    } catch (error) {
      this.#rollBack()
      this.#counts = counts
      this.#urls.reload()
      this.#handAgain(handed)
      throw isFull(error) ? fullError(error) : error
    }
  }

  #commit(): void {
    this.#statements.commit.run()
    this.#isOpen = false
    this.#handed = []
  }

  /** Repeats leases that were rolled back with a later step. */
  #handAgain(ids: readonly Value[]): void {
    if (ids.length === 0) return
    try {
      this.#statements.begin.run()
      for (const id of ids) this.#statements.hand.run(Date.now(), id)
      this.#statements.commit.run()
    } catch {
      // The leases are lost: their URLs wait.
      this.#rollBack()
      this.#counts = count(this.#database)
    }
  }

  #rollBack(): void {
    try {
      this.#statements.rollback.run()
    } catch {
      // SQLite has ended the transaction itself, as it does if the disk is full.
    }
    this.#isOpen = false
    this.#handed = []
  }

  #hand(row: Row): Lease {
    this.#statements.hand.run(Date.now(), row['id'])
    this.#handed.push(row['id'])
    this.#counts.waiting--
    this.#counts.leased++
    return toLease(row)
  }

  /** Returns the row of a valid lease. */
  #held({ url, generation }: Lease): Row | undefined {
    return this.#statements.held.get(this.#urls.idOf(url), generation)
  }

  #giveBack(held: Row): void {
    const number = Number(this.#statements.heldNumber.get(held['id'], held['id'])!['number'])
    this.#counts.leased -= number
    this.#counts.waiting += number
    this.#statements.giveBack.run(++this.#turn, held['id'], held['id'])
  }

  #add({ url, depth, from, error }: FoundUrl): void {
    const known = this.#urls.find(url)
    if (known !== undefined) {
      const row = this.#statements.url.get(known)!
      const isWaiting = row['state'] === State.waiting
      if (row['state'] === State.leased) {
        if (Number(row['depth']) > depth) this.#statements.depth.run(depth, known)
        return
      }
      if (row['state'] === State.finished || row['state'] === State.skipped) return
      if (isWaiting && Number(row['depth']) <= depth) return
      if (!isWaiting) this.#counts.waiting++
      this.#statements.promote.run(depth, ++this.#turn, this.#urls.idOrNull(from), error, known)
      return
    }
    this.#counts.waiting++
    this.#urls.add(url, State.waiting, depth, ++this.#turn, this.#urls.idOrNull(from), error)
  }

  #addPage(page: PageResult, links: readonly LinkRecord[]): boolean {
    const id = this.#urls.idOf(page.url)
    if (this.#statements.isPage.get(id)) return false
    this.#statements.page.run(id, ...toColumns(page))
    this.#counts.pages++
    if (page.error !== null) this.#counts.errors++
    // One call for all links of the page: a call for each takes several times as long as SQLite's own work.
    const rows = links.map(({ target, kind, text, rel, anchor }) => [this.#urls.idOf(target), kind, text, rel, anchor])
    if (rows.length > 0) this.#statements.links.run(id, toJson(rows))
    return true
  }
}

/** Returns rows as JSON that SQLite can decode: half of a surrogate pair, which JSON escapes and UTF-8 does not have, becomes U+FFFD. */
function toJson(rows: readonly (string | number)[][]): string {
  const json = JSON.stringify(rows)
  if (!/\\ud[89a-f]/.test(json)) return json
  return JSON.stringify(
    rows.map(row => row.map(value => (typeof value === 'string' ? Buffer.from(value).toString() : value)))
  )
}

/** Both libraries of SQLite give this message, and different codes. */
function isFull(error: unknown): error is Error {
  return error instanceof Error && /database or disk is full/.test(error.message)
}

function fullError(cause: Error): StoreError {
  const text = 'cannot store a page: the disk is full; make room, and run the same command again to go on'
  return new StoreError(text, { cause })
}

function toLease(row: Row): Lease {
  return {
    url: row['url'] as string,
    depth: row['depth'] as number,
    from: row['foundOn'] as string | null,
    error: row['error'] as string | null,
    generation: Number(row['generation']) + 1
  }
}

/** The counts that are updated with each change. */
type Totals = { -readonly [name in Exclude<keyof Counts, 'nextDepth' | 'leasedDepth'>]: number }

function count(database: Database): Totals {
  const one = (sql: string) => Number(database.prepare(`SELECT ${sql}`).get()!['number'])
  return {
    waiting: one(`count(*) AS number FROM urls WHERE state = ${State.waiting}`),
    leased: one(`count(*) AS number FROM urls WHERE state = ${State.leased}`),
    pages: one('count(*) AS number FROM pages'),
    errors: one('count(*) AS number FROM pages WHERE error IS NOT NULL'),
    visits: one('count(*) AS number FROM pages JOIN urls ON urls.id = pages.id WHERE urls.error IS NULL')
  }
}

type Statements = Readonly<Record<keyof typeof sql, Statement>>

const { waiting, leased, finished, skipped, mentioned } = State

const waitingRow = `SELECT urls.id, urls.url, urls.depth, urls.error, urls.generation, f.url AS foundOn
  FROM urls LEFT JOIN urls f ON f.id = urls.foundOn WHERE urls.state = ${waiting}`

const sql = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  meta: 'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  getMeta: 'SELECT value FROM meta WHERE key = ?',
  url: 'SELECT state, depth FROM urls WHERE id = ?',
  waiting: `${waitingRow} ORDER BY urls.depth, urls.turn LIMIT ?`,
  waitingUrl: `${waitingRow} AND urls.id = ?`,
  nextDepth: `SELECT min(depth) AS depth FROM urls WHERE state = ${waiting}`,
  hand: `UPDATE urls SET state = ${leased}, generation = generation + 1, leasedAt = ? WHERE id = ?`,
  claim: `UPDATE urls SET state = ${leased}, generation = generation + 1, depth = min(coalesce(depth, 1e9), ?),
    foundOn = coalesce(foundOn, ?), owner = ?, leasedAt = ? WHERE id = ?`,
  held: `SELECT id, depth FROM urls WHERE id = ? AND state = ${leased} AND generation = ? AND owner IS NULL`,
  heldNumber: `SELECT count(*) AS number FROM urls WHERE state = ${leased} AND (id = ? OR owner = ?)`,
  finish: `UPDATE urls SET state = ${finished}, owner = NULL WHERE state = ${leased} AND (id = ? OR owner = ?)`,
  depth: 'UPDATE urls SET depth = ? WHERE id = ?',
  renew: `UPDATE urls SET leasedAt = ? WHERE id = ? AND generation = ? AND state = ${leased}`,
  giveBack: `UPDATE urls SET state = ${waiting}, turn = coalesce(turn, ?), owner = NULL
    WHERE state = ${leased} AND (id = ? OR owner = ?)`,
  old: `SELECT id FROM urls WHERE state = ${leased} AND owner IS NULL AND leasedAt <= ? ORDER BY turn`,
  promote: `UPDATE urls SET state = ${waiting}, depth = ?, turn = ?, foundOn = ?, error = ? WHERE id = ?`,
  skip: `UPDATE urls SET state = CASE WHEN state = ${mentioned} THEN ${skipped} ELSE state END, reason = ? WHERE id = ?`,
  hop: 'INSERT OR REPLACE INTO hops (source, status, target) VALUES (?, ?, ?)',
  page: `INSERT INTO pages (id, ${FIELDS.map(quote).join(', ')}) VALUES (?${', ?'.repeat(FIELDS.length)})`,
  isPage: 'SELECT 1 FROM pages WHERE id = ?',
  links: `INSERT INTO links (source, target, kind, text, rel, anchor)
    SELECT ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)`
}

function prepare(database: Database): Statements {
  return Object.fromEntries(Object.entries(sql).map(([name, text]) => [name, database.prepare(text)])) as Statements
}
