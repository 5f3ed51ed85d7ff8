import type { Database, Statement, Value } from './database.ts'
import { HashIndex, hashOf } from './hash-index.ts'
import { State } from './schema.ts'

/** The number of URLs whose texts are remembered: a few tens of megabytes at most. */
const MOST_REMEMBERED = 100_000

/** The ids of URLs in the table `urls`. */
export class UrlIds {
  readonly #database: Database
  readonly #text: Statement
  readonly #insert: Statement
  #index = new HashIndex()
  /** The greatest id. */
  #last = 0
  /** The texts of recent URLs: pages of one site link to the same pages. */
  #recent = new Map<string, number>()
  #older = new Map<string, number>()

  constructor(database: Database) {
    this.#database = database
    this.#text = database.prepare('SELECT url FROM urls WHERE id = ?')
    this.#insert = database.prepare(
      'INSERT INTO urls (id, url, state, depth, turn, foundOn, error) VALUES (?, ?, ?, ?, ?, ?, ?)'
    )
    this.#read()
  }

  /** Returns the id of a URL; undefined if the table does not have it. */
  find(url: string): number | undefined {
    const recent = this.#recent.get(url)
    if (recent !== undefined) return recent
    const id =
      this.#older.get(url) ?? this.#index.find(hashOf(url), candidate => this.#text.get(candidate)?.['url'] === url)
    if (id !== undefined) this.#remember(url, id)
    return id
  }

  /** Returns the id of a URL. Adds the URL as mentioned if the table does not have it. */
  idOf(url: string): number {
    return this.find(url) ?? this.add(url, State.mentioned, null, null, null, null)
  }

  idOrNull(url: string | null): number | null {
    return url === null ? null : this.idOf(url)
  }

  /** Adds a URL that the table does not have. */
  add(url: string, state: number, ...values: [depth: Value, turn: Value, foundOn: Value, error: Value]): number {
    const id = ++this.#last
    this.#insert.run(id, url, state, ...values)
    this.#index.add(hashOf(url), id)
    this.#remember(url, id)
    return id
  }

  /** Reads the table again, because a transaction was rolled back. */
  reload(): void {
    this.#recent.clear()
    this.#older.clear()
    this.#index = new HashIndex()
    this.#read()
  }

  #read(): void {
    this.#last = 0
    for (const { id, url } of this.#database.prepare('SELECT id, url FROM urls').iterate()) {
      this.#index.add(hashOf(url as string), id as number)
      this.#last = Math.max(this.#last, id as number)
    }
  }

  #remember(url: string, id: number): void {
    if (this.#recent.size >= MOST_REMEMBERED / 2) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(url, id)
  }
}
