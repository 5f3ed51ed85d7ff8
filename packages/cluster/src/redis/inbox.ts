/** A program's inbox: a stream on the server to which other programs write letters. It expires with its owner. */
import type { Redis } from 'ioredis'
import type { Server } from './server.ts'

const BLOCK_MS = 5000
/** A read that takes this many milliseconds longer than its timeout has lost its server. */
const GRACE_MS = 5000
const MOST_ENTRIES = 64

type Entry = readonly [id: Buffer, fields: Buffer[]]
type Streams = readonly (readonly [key: Buffer, entries: Entry[]])[]

export class Inbox {
  readonly #redis: Redis
  readonly #key: string
  readonly #onEntry: (fields: readonly Buffer[]) => void | Promise<void>
  #isReading = false
  #isWanted = false
  #isClosed = false

  constructor(server: Server, key: string, onEntry: (fields: readonly Buffer[]) => void | Promise<void>) {
    this.#redis = server.connect()
    this.#key = key
    this.#onEntry = onEntry
  }

  /** Begins or ends reading. */
  listen(isWanted: boolean): void {
    this.#isWanted = isWanted
    if (isWanted && !this.#isReading) void this.#read()
  }

  close(): void {
    this.#isClosed = true
    this.#isWanted = false
    this.#redis.disconnect()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    while (this.#isWanted && !this.#isClosed) {
      try {
        const entries = await this.#next()
        for (const [, fields] of entries) await this.#onEntry(fields)
      } catch {
        // The connection was lost, or is not made yet; the next read waits for it. Entries that were already read come again.
        await new Promise(resolve => setTimeout(resolve, 50).unref())
      }
    }
    this.#isReading = false
  }

  /**
   * Always reads from the beginning, and removes what it has read: after a failover, the ids of new entries may be lower than those of old
   * ones.
   */
  async #next(): Promise<readonly Entry[]> {
    const watchdog = setTimeout(() => this.#redis.disconnect(true), BLOCK_MS + GRACE_MS).unref()
    try {
      const reply = (await this.#redis.xreadBuffer(
        'COUNT',
        MOST_ENTRIES,
        'BLOCK',
        BLOCK_MS,
        'STREAMS',
        this.#key,
        '0'
      )) as Streams | null
      const entries = reply?.[0]?.[1] ?? []
      if (entries.length > 0) {
        // On the same connection, so it is done before the next read.
        this.#redis.xdel(this.#key, ...entries.map(([id]) => id)).catch(() => {})
      }
      return entries
    } finally {
      clearTimeout(watchdog)
    }
  }
}

/** Writes a letter. The inbox then lives this many milliseconds longer. */
export async function post(
  redis: Redis,
  key: string,
  fields: readonly (string | Buffer)[],
  lifetime: number
): Promise<void> {
  const replies = await redis
    .pipeline()
    .xadd(key, '*', ...fields)
    .pexpire(key, lifetime)
    .exec()
  const error = replies?.find(([error]) => error !== null)?.[0]
  if (error) throw error
}
