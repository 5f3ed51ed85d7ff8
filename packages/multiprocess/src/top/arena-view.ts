/**
 * An arena as it is read from outside: copies of its bytes, by read(2), which neither maps nor touches anything in the program. The
 * program goes on meanwhile, so what is read at two moments may not fit together: each reader checks what it finds, and follows no
 * list without end.
 */
import { readSync, writeSync } from 'node:fs'
import {
  BUCKET_BYTES,
  BUCKET_COUNT,
  BUCKETS_AT,
  FIRST_PAGE,
  HIGH_PAGE_WORD,
  MAGIC,
  MAGIC_WORD,
  PAGE_BYTES,
  PAGE_COUNT,
  PAGE_ENTRY_BYTES,
  UNIT,
  WINDOW_BYTES
} from '../ground/arena/layout.ts'
import { entryAt, KIND_RUN, KIND_SLAB, OWNER } from '../ground/arena/pages.ts'
import { ProcessTable, SHARED_OWNER } from '../ground/arena/process-table.ts'
import { FRESH, OWNERS, SHAPES } from '../ground/arena/slabs.ts'
import { NODE } from '../ground/waiting/parking-lot.ts'

const MOST_NODES = 4096

/** A wait in the parking lot. */
export interface Parked {
  readonly owner: number
  /** The word that it sleeps on. */
  readonly at: number
  readonly since: number
  readonly ends: boolean
  readonly isBlocked: boolean
}

/** A block that is in use. */
export interface UsedBlock {
  readonly at: number
  readonly owner: number
  /** Its words; undefined for one of whole pages. */
  readonly words: Int32Array | undefined
}

export class ArenaView {
  readonly #fd: number
  readonly table: ProcessTable
  /** The header, the process table, and the parking lot. */
  readonly first: Int32Array

  constructor(fd: number) {
    this.#fd = fd
    this.first = this.words(0, (BUCKETS_AT + BUCKET_COUNT * BUCKET_BYTES) / 4)
    this.table = new ProcessTable({
      first: { words: this.first, bytes: new Uint8Array(this.first.buffer), address: 0 }
    })
  }

  /** False for one that is being made, and for another version of this package. */
  get isReadable(): boolean {
    return this.first[MAGIC_WORD] === MAGIC
  }

  words(at: number, count: number): Int32Array {
    const words = new Int32Array(count)
    const bytes = new Uint8Array(words.buffer)
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#fd, bytes, done, bytes.length - done, at + done)
      if (read === 0) break
      done += read
    }
    return words
  }

  text(at: number, length: number): string {
    const words = this.words(at, Math.ceil(Math.max(0, Math.min(length, PAGE_BYTES)) / 4))
    return Buffer.from(words.buffer, 0, Math.min(length, words.byteLength)).toString()
  }

  /** Writes one word; where that may not be, nothing. */
  write(at: number, word: number): void {
    try {
      writeSync(this.#fd, Buffer.from(Int32Array.of(word).buffer), 0, 4, at)
    } catch {
      // It was opened to be read alone.
    }
  }

  *blocks(): Generator<UsedBlock> {
    const high = Math.min(this.first[HIGH_PAGE_WORD], PAGE_COUNT)
    const count = Math.max(0, high - FIRST_PAGE)
    const entries = this.words(entryAt(FIRST_PAGE), (count * PAGE_ENTRY_BYTES) / 4)
    for (let i = 0; i < count; i++) {
      const entry = (i * PAGE_ENTRY_BYTES) / 4
      const kind = entries[entry] & 0xf
      const at = (FIRST_PAGE + i) * PAGE_BYTES
      if (kind === KIND_RUN) yield { at, owner: entries[entry + OWNER / 4], words: undefined }
      else if (kind === KIND_SLAB) yield* this.#objects(at, (entries[entry] >> 4) & 0xff)
    }
  }

  *#objects(at: number, sizeClass: number): Generator<UsedBlock> {
    const shape = SHAPES[sizeClass]
    if (shape === undefined) return
    const { size, count, first } = shape
    const page = this.words(at, PAGE_BYTES / 4)
    const fresh = Math.min(page[FRESH / 4], count)
    for (let i = 0; i < fresh; i++) {
      const owner = page[OWNERS / 4 + i]
      if (owner !== SHARED_OWNER) continue
      const start = first + i * size
      yield { at: at + start, owner, words: page.subarray(start / 4, (start + size) / 4) }
    }
  }

  /** Where the block begins that a byte belongs to. */
  blockOf(at: number): number {
    const page = Math.floor(at / PAGE_BYTES)
    const [entry] = this.words(entryAt(page), 1)
    const shape = SHAPES[(entry >> 4) & 0xff]
    if ((entry & 0xf) !== KIND_SLAB || shape === undefined) return page * PAGE_BYTES
    const begin = page * PAGE_BYTES + shape.first
    return begin + Math.floor((at - begin) / shape.size) * shape.size
  }

  *parked(): Generator<Parked> {
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      const head = this.first[(BUCKETS_AT + bucket * BUCKET_BYTES) / 4 + NODE.HEAD]
      const known = new Set<number>()
      for (let unit = head; unit > 0 && !known.has(unit) && known.size < MOST_NODES; ) {
        known.add(unit)
        const node = this.words(unit * UNIT, NODE.NODE_BYTES / 4)
        const get = (word: number) => node[word / 4]
        unit = get(NODE.NEXT)
        if (get(NODE.STATE) !== NODE.WAITING) continue
        yield {
          owner: get(NODE.OWNER),
          at: get(NODE.WINDOW) * WINDOW_BYTES + get(NODE.WORD) * 4,
          since: get(NODE.SINCE),
          ends: get(NODE.ENDS) !== 0,
          isBlocked: get(NODE.KIND) === NODE.BLOCKED
        }
      }
    }
  }
}
