/** A queue of messages in shared memory, first in, first out, for any number of senders and receivers. See ring-layout.ts. */
import type { Instructions } from '../ground/arena/instructions.ts'
import { UNIT, WINDOW_BYTES } from '../ground/arena/layout.ts'
import type { RingPlaces } from '../ground/arena/parcel-words.ts'
import type { OwnerId } from '../ground/arena/process-table.ts'
import { SLEEPERS, WordLock } from '../ground/arena/word-lock.ts'
import type { Family } from '../ground/family.ts'
import { keepFreedMemory } from '../ground/os/malloc.ts'
import type { Parcel } from '../ground/parcel.ts'
import { Patience } from '../ground/waiting/spinning.ts'
import type { Handle } from '../memory/shared-object.ts'
import { WaitWord } from '../sync/waiting.ts'
import { CHUNK_HEADER_BYTES, ChunkView, copy, LENGTH, type LongMessage, NEXT, PARCEL } from './chunk.ts'
import { Chunks } from './chunks.ts'
import {
  BYTES,
  CHUNK,
  DONE,
  END,
  FIRST_CHUNK_BYTES,
  HEADS,
  LARGEST_INLINE,
  LAST_CHUNK_BYTES,
  MOST_BYTES,
  MOST_MESSAGES,
  NAMES,
  NO_RECEIVERS,
  NO_SENDERS,
  OFFSET,
  PLACE_WORDS,
  PLACES,
  RAW,
  RECEIVE_LOCK,
  RECEIVED,
  SEND_LOCK,
  SENT,
  subjectsOf,
  TAILS,
  WORDS_AT
} from './ring-layout.ts'

export { LARGEST_INLINE, RECEIVING_END, SENDING_END } from './ring-layout.ts'

/** Inspects a message before it is taken; throws to leave it in the ring. */
export type Check = (bytes: Uint8Array, start: number, end: number, isRaw: boolean) => void

export class Ring {
  readonly family: Family
  /** The last short message that was taken begins here, in `scratch`. */
  scratch = new Uint8Array(1024)
  /** The parcel of the last message that was taken, held by this process; 0 if the message names no shared objects. */
  parcel = 0
  readonly sent: WaitWord
  readonly received: WaitWord
  readonly done: WaitWord
  readonly #words: Int32Array
  readonly #base: number
  readonly #on: Instructions
  readonly #self: OwnerId
  /** The places of words for `#on`. */
  readonly #sentAt: number
  readonly #receivedAt: number
  readonly #sendLockAt: number
  readonly #receiveLockAt: number
  readonly #block: number
  readonly #places: RingPlaces
  readonly #chunks: Chunks
  readonly #sendLock: WordLock
  readonly #receiveLock: WordLock
  readonly #mostMessages: number
  readonly #mostBytes: number
  readonly #tail: ChunkView
  readonly #head: ChunkView
  /** At least this many messages were sent while no more than `#receivedLast` had been received. */
  #sentSeen = 0
  #receivedLast = 0
  /** At least this many messages, and bytes, were received. */
  #receivedSeen: number
  #leftSeen = 0

  /**
   * @param limits of a new ring: the maximum of messages and of bytes that it holds; 0 means that only memory limits it
   * @param reader where the ring's block names the only process that reads, from the block's beginning; 0 if several may read
   */
  constructor(handle: Handle, limits?: { messages: number; bytes: number }, reader = 0) {
    const { family } = handle
    const { memory, self, platform, table } = family
    const at = handle.at + WORDS_AT
    const isAlive = (owner: number) => platform.isAlive(table, owner)
    this.family = family
    this.#words = memory.windowOf(at).words
    this.#base = (at % WINDOW_BYTES) >> 2
    this.#block = handle.at
    this.#places = reader === 0 ? PLACES : { ...PLACES, reader }
    this.#chunks = new Chunks(family, handle.at)
    const subjects = family.waits && subjectsOf(handle.at, at)
    this.sent = new WaitWord(family, at + SENT * 4, new Patience(), subjects?.sent, at + NO_SENDERS * 4)
    this.received = new WaitWord(family, at + RECEIVED * 4, new Patience(), subjects?.received, at + NO_RECEIVERS * 4)
    this.done = new WaitWord(family, at + DONE * 4, undefined, subjects?.done)
    this.#on = memory.instructionsOf(at)
    this.#self = self | 0
    const start = (at % WINDOW_BYTES) | 0
    this.#sentAt = start + SENT * 4
    this.#receivedAt = start + RECEIVED * 4
    this.#sendLockAt = start + SEND_LOCK * 4
    this.#receiveLockAt = start + RECEIVE_LOCK * 4
    this.#sendLock = new WordLock(memory, at + SEND_LOCK * 4, self, isAlive, this.#on)
    this.#receiveLock = new WordLock(memory, at + RECEIVE_LOCK * 4, self, isAlive, this.#on)
    if (limits !== undefined) this.#format(limits)
    this.#mostMessages = this.#words[this.#base + MOST_MESSAGES]
    this.#mostBytes = this.#words[this.#base + MOST_BYTES]
    this.#tail = new ChunkView(memory)
    this.#head = new ChunkView(memory)
    this.#receivedSeen = this.#on.load(this.#receivedAt)
  }

  #format({ messages, bytes }: { messages: number; bytes: number }): void {
    const words = this.#words
    const base = this.#base
    words[base + MOST_MESSAGES] = messages
    words[base + MOST_BYTES] = bytes
    const chunk = this.#chunks.create(FIRST_CHUNK_BYTES)
    this.#chunks.first = chunk
    for (const place of [TAILS, HEADS]) {
      words[base + place + CHUNK] = chunk
      words[base + place + OFFSET] = CHUNK_HEADER_BYTES
    }
  }

  /** The number of messages in the ring. */
  get size(): number {
    for (;;) {
      const received = this.#on.load(this.#receivedAt)
      const size = (this.#on.load(this.#sentAt) - received) | 0
      if (this.#on.load(this.#receivedAt) === received) return size
    }
  }

  get isEmpty(): boolean {
    return this.#on.load(this.#sentAt) === this.#on.load(this.#receivedAt)
  }

  get isFull(): boolean {
    return this.#mostMessages !== 0 && this.size >= this.#mostMessages
  }

  /** The number of messages that were sent and not reported as done yet. */
  get unfinished(): number {
    return (this.#on.load(this.#sentAt) - this.done.load()) | 0
  }

  /** Reports that one more message is done. @returns false if all messages were done already */
  finish(): boolean {
    for (;;) {
      const done = this.done.load()
      if (((this.#on.load(this.#sentAt) - done) | 0) <= 0) return false
      if (Atomics.compareExchange(this.done.words, this.done.index, done, (done + 1) | 0) === done) break
    }
    this.done.wake(Number.POSITIVE_INFINITY)
    return true
  }

  get hasSenders(): boolean {
    return Atomics.load(this.#words, this.#base + NO_SENDERS) === 0
  }

  get hasReceivers(): boolean {
    return Atomics.load(this.#words, this.#base + NO_RECEIVERS) === 0
  }

  /** Creates the chunk of a long message with these bytes. If it is not sent, pass it to `discard`. */
  pack(bytes: Uint8Array, start: number, length: number, isRaw: boolean): number {
    return this.#chunks.pack(bytes, start, length, isRaw)
  }

  /** Frees a chunk. @param chunk 0 for none */
  discard(chunk: number): void {
    if (chunk !== 0) this.family.arena.free(chunk * UNIT)
  }

  /**
   * Sends `length` bytes.
   * @param isRaw true if the bytes are the user's own, and not an encoded value
   * @param chunk the chunk that `pack` returned, for a message longer than LARGEST_INLINE; otherwise 0
   * @param parcel keeps the shared objects that the message names; once the message is sent, the ring has the parcel
   * @returns false if there is no room
   */
  send(
    bytes: Uint8Array,
    start: number,
    length: number,
    isRaw: boolean,
    chunk: number,
    parcel: Parcel | null = null
  ): boolean {
    if (!this.#hasRoom(length)) return false
    const words = this.#words
    const base = this.#base
    const on = this.#on
    const named = parcel === null ? 0 : parcel.in(this.family)
    // Tried and released here: V8 then compiles the instruction into this method; WordLock's methods serve several kinds of words.
    if (on.compareExchange(this.#sendLockAt, 0, this.#self) !== 0 && this.#sendLock.acquire()) {
      this.family.parcels.delistUnsent(this.#block)
    }
    try {
      if (!this.#hasRoom(length)) return false
      const sent = words[base + SENT]
      const from = base + TAILS + (sent & 1) * PLACE_WORDS
      const to = base + TAILS + (~sent & 1) * PLACE_WORDS
      if (chunk === 0) this.#write(bytes, start, length, isRaw, named / UNIT, from, to)
      else this.#append(chunk, named / UNIT, from, to)
      words[to + BYTES] = words[from + BYTES] + length
      if (named !== 0) this.family.parcels.enlist(named, this.#block, this.#places, sent)
      on.exchange(this.#sentAt, (sent + 1) | 0)
    } finally {
      if (on.exchange(this.#sendLockAt, 0) & SLEEPERS) this.#sendLock.wakeNext()
    }
    parcel?.drop()
    this.sent.wake(1)
    return true
  }

  /** Returns true if there is room. Reads the words again only if the values seen last leave none: the room can only have grown. */
  #hasRoom(length: number): boolean {
    const mostMessages = this.#mostMessages
    if (mostMessages !== 0) {
      const sent = this.#on.load(this.#sentAt)
      if ((sent - this.#receivedSeen) >>> 0 < mostMessages) return true
      this.#receivedSeen = this.#on.load(this.#receivedAt)
      return ((sent - this.#receivedSeen) | 0) < mostMessages
    }
    const mostBytes = this.#mostBytes
    if (mostBytes === 0) return true
    const sent = this.#on.load(this.#sentAt)
    const passed = this.#bytesAt(TAILS, sent)
    if (((passed - this.#leftSeen) >>> 0) + length <= mostBytes) return true
    const received = this.#on.load(this.#receivedAt)
    if (sent === received) return true
    this.#leftSeen = this.#bytesAt(HEADS, received)
    return ((passed - this.#leftSeen) | 0) + length <= mostBytes
  }

  #bytesAt(places: number, count: number): number {
    return this.#words[this.#base + places + (count & 1) * PLACE_WORDS + BYTES]
  }

  #write(
    bytes: Uint8Array,
    start: number,
    length: number,
    isRaw: boolean,
    parcel: number,
    from: number,
    to: number
  ): void {
    const words = this.#words
    const view = this.#tail
    const header = parcel === 0 ? 4 : 8
    const needed = header + ((length + 3) & ~3)
    let chunk = words[from + CHUNK]
    let offset = words[from + OFFSET]
    view.look(chunk)
    const size = view.size
    // There is always room for END.
    if (offset + needed + 4 > size) {
      const most = Math.max(Math.min(size * 4, LAST_CHUNK_BYTES), needed + CHUNK_HEADER_BYTES + 4)
      const next = this.#chunks.create(most)
      this.#chunks.link(chunk, next, offset)
      chunk = next
      offset = CHUNK_HEADER_BYTES
      view.look(chunk)
    }
    const at = view.start + offset
    view.words[at >> 2] = (isRaw ? length | RAW : length) | (parcel === 0 ? 0 : NAMES)
    if (parcel !== 0) view.words[(at >> 2) + 1] = parcel
    copy(bytes, start, length, view.bytes, at + header)
    words[to + CHUNK] = chunk
    words[to + OFFSET] = offset + needed
  }

  /** Appends the chunk of a long message, and after it the chunk for the next messages. */
  #append(chunk: number, parcel: number, from: number, to: number): void {
    if (parcel !== 0) this.family.memory.set(chunk * UNIT + PARCEL, parcel)
    const words = this.#words
    words[to + CHUNK] = this.#chunks.append(chunk, words[from + CHUNK], words[from + OFFSET], LAST_CHUNK_BYTES)
    words[to + OFFSET] = CHUNK_HEADER_BYTES
  }

  /**
   * Takes the first message.
   * @returns its length, with the message in `scratch`; or a long message; or undefined if there is none
   */
  receive(check?: Check): number | LongMessage | undefined {
    const on = this.#on
    if (!this.#hasMessage(on.load(this.#receivedAt))) return undefined
    if (on.compareExchange(this.#receiveLockAt, 0, this.#self) !== 0) this.#receiveLock.acquire()
    let message: number | LongMessage
    this.parcel = 0
    try {
      const received = this.#words[this.#base + RECEIVED]
      if (!this.#hasMessage(received)) return undefined
      message = this.#take(received, check)
      this.#receivedLast = (received + 1) | 0
    } finally {
      if (on.exchange(this.#receiveLockAt, 0) & SLEEPERS) this.#receiveLock.wakeNext()
    }
    if (this.parcel !== 0) this.family.parcels.delist(this.parcel)
    if (this.#mostMessages !== 0) this.received.wake(1)
    else if (this.#mostBytes !== 0 && this.received.isAwaited) this.#tellRoom()
    return message
  }

  /**
   * Wakes senders that wait for room for bytes once half of the bytes have left: a slow sender then finds room for several messages, and
   * the receiver has some left meanwhile. A sender that needs more than half is woken at each message from there on.
   */
  #tellRoom(): void {
    const waiting =
      this.#bytesAt(TAILS, this.#on.load(this.#sentAt)) - this.#bytesAt(HEADS, this.#on.load(this.#receivedAt))
    // All are woken: this room may be enough for several senders, but not for the first.
    if ((waiting | 0) <= this.#mostBytes / 2) this.received.wake(Number.POSITIVE_INFINITY)
  }

  /** Returns true if more than `received` messages were sent. The values seen last are valid until another process has received. */
  #hasMessage(received: number): boolean {
    if (received === this.#receivedLast && received !== this.#sentSeen) return true
    this.#receivedLast = received
    this.#sentSeen = this.#on.load(this.#sentAt)
    return received !== this.#sentSeen
  }

  #take(received: number, check: Check | undefined): number | LongMessage {
    const words = this.#words
    const from = this.#base + HEADS + (received & 1) * PLACE_WORDS
    const to = this.#base + HEADS + (~received & 1) * PLACE_WORDS
    const view = this.#head
    const first = words[from + CHUNK]
    let offset = words[from + OFFSET]
    view.look(first)
    let at = view.start + offset
    if (view.words[at >> 2] === END) {
      const chunk = view.words[(view.start + NEXT) >> 2]
      view.look(chunk)
      if (view.size === 0) return this.#takeLong(received, chunk, from, to, check)
      offset = CHUNK_HEADER_BYTES
      at = view.start + offset
    }
    const header = view.words[at >> 2]
    const isNaming = (header & NAMES) !== 0
    const length = header & ~(RAW | NAMES)
    const data = isNaming ? 8 : 4
    if (this.scratch.length < length) this.scratch = new Uint8Array(Math.max(length, LARGEST_INLINE))
    copy(view.bytes, at + data, length, this.scratch, 0)
    check?.(this.scratch, 0, length, header < 0)
    if (isNaming) this.#holdParcel(view.words[(at >> 2) + 1])
    words[to + CHUNK] = view.chunk
    words[to + OFFSET] = offset + data + ((length + 3) & ~3)
    words[to + BYTES] = words[from + BYTES] + length
    this.#on.exchange(this.#receivedAt, (received + 1) | 0)
    if (view.chunk !== first) this.#chunks.unlink(view.chunk, 0)
    return length
  }

  /** Holds the parcel before the message is taken: the ring has the parcel no more from then on. */
  #holdParcel(unit: number): void {
    this.family.shared.hold(unit * UNIT)
    this.parcel = unit * UNIT
  }

  #takeLong(received: number, chunk: number, from: number, to: number, check: Check | undefined): LongMessage {
    const { arena, memory, platform, self } = this.family
    const words = this.#words
    const header = memory.get(chunk * UNIT + LENGTH)
    const length = header & ~RAW
    if (check !== undefined) {
      this.#chunks.show(chunk, length, (bytes, start) => check(bytes, start, start + length, header < 0))
    }
    const parcel = memory.get(chunk * UNIT + PARCEL)
    if (parcel !== 0) this.#holdParcel(parcel)
    const next = memory.get(chunk * UNIT + NEXT)
    words[to + CHUNK] = next
    words[to + OFFSET] = CHUNK_HEADER_BYTES
    words[to + BYTES] = words[from + BYTES] + length
    this.#on.exchange(this.#receivedAt, (received + 1) | 0)
    this.#chunks.unlink(next, chunk)
    arena.setOwner(chunk * UNIT, self)
    if (platform.method === 'spawn') keepFreedMemory()
    return { chunk, length }
  }

  /** Passes the bytes of a long message to `use`, which must not keep them. */
  read<R>({ chunk, length }: LongMessage, use: (bytes: Uint8Array, start: number) => R): R {
    return this.#chunks.show(chunk, length, use)
  }

  /** Frees the chunk of a long message. */
  free({ chunk }: LongMessage): void {
    this.family.arena.free(chunk * UNIT)
  }
}
