/** The shared objects of a family: what each is, and its state, from copies of their words. */

import { DONE, MOST_MESSAGES, RECEIVED, SENT, WORDS_AT } from '../channel/ring-layout.ts'
import { BLOCK_KINDS, type BlockKind } from '../ground/arena/block-kinds.ts'
import { UNIT } from '../ground/arena/layout.ts'
import { LIST, ORIGIN, ORIGIN_KIND, ORIGIN_TEXT, PARCEL, SHARED_HEADER_BYTES } from '../ground/arena/parcel-words.ts'
import { REST } from '../sync/turns.ts'
import type { ArenaView } from './arena-view.ts'

const MOST_NODES = 1024

export class SeenObject {
  readonly at: number
  readonly kind: BlockKind
  /** What it is and where it was made, in debug mode. */
  readonly origin: string
  readonly #words: Int32Array

  constructor(at: number, kind: BlockKind, words: Int32Array, origin: string) {
    this.at = at
    this.kind = kind
    this.origin = origin
    this.#words = words
  }

  /** Names it among those of its family, as long as it lives. */
  get id(): string {
    return (this.at / UNIT).toString(36)
  }

  get place(): string | null {
    return / made at (.*)$/.exec(this.origin)?.[1] ?? null
  }

  get isLock(): boolean {
    return this.kind === 'Lock' || this.kind === 'RLock' || this.isSemaphore
  }

  get isSemaphore(): boolean {
    return this.kind === 'Semaphore' || this.kind === 'BoundedSemaphore'
  }

  get isQueue(): boolean {
    return this.kind === 'Queue' || this.kind === 'JoinableQueue' || this.kind === 'SimpleQueue'
  }

  /** The member of the family that holds a lock; 0: none. */
  get holder(): number {
    return this.isSemaphore ? 0 : this.value
  }

  /** Of a semaphore. */
  get value(): number {
    return this.#words[SHARED_HEADER_BYTES / 4] & REST
  }

  get length(): number {
    return Math.max(0, (this.#ring(SENT) - this.#ring(RECEIVED)) | 0)
  }

  get maxsize(): number {
    return this.#ring(MOST_MESSAGES)
  }

  get unfinished(): number {
    return Math.max(0, (this.#ring(SENT) - this.#ring(DONE)) | 0)
  }

  /** What those wait for who sleep on a word of it. @param at the word, in the arena */
  targetAt(at: number): 'item' | 'room' | 'done' {
    const word = (at - this.at - WORDS_AT) / 4
    if (word === DONE) return 'done'
    return word === RECEIVED ? 'room' : 'item'
  }

  /** The first of the nodes that those who wait sleep on, one each. */
  get firstNode(): number {
    return this.#words[LIST / 4]
  }

  #ring(word: number): number {
    return this.#words[WORDS_AT / 4 + word]
  }
}

/** Undefined for a block that is nothing to show. */
export function objectIn(at: number, words: Int32Array): SeenObject | undefined {
  const origin = words[ORIGIN / 4]
  const isNamed = origin > 0 && origin / 4 + ORIGIN_TEXT / 4 <= words.length
  const kind = BLOCK_KINDS[isNamed ? words[(origin + ORIGIN_KIND) / 4] : PARCEL - origin]
  if (kind === undefined || kind === '' || origin === 0) return undefined
  const text = isNamed ? textOf(words, origin) : ''
  return new SeenObject(at, kind, words, text)
}

function textOf(words: Int32Array, origin: number): string {
  const begin = words.byteOffset + origin + ORIGIN_TEXT
  const length = Math.max(0, Math.min(words[origin / 4], words.byteOffset + words.byteLength - begin))
  return Buffer.from(words.buffer, begin, length).toString()
}

/** The objects that have a list of those who wait, by the blocks that these sleep on. */
export function waitersOf(view: ArenaView, object: SeenObject): number[] {
  const nodes: number[] = []
  if (object.kind !== 'Condition' && object.kind !== 'Barrier') return nodes
  for (let unit = object.firstNode; unit > 0 && nodes.length < MOST_NODES; [unit] = view.words(unit * UNIT, 1)) {
    if (nodes.includes(unit * UNIT)) break
    nodes.push(unit * UNIT)
  }
  return nodes
}
