/**
 * A queue of messages in shared memory, first in, first out, for any number of senders and receivers. Messages stand one
 * behind the other in chunks, which form a list; a long message has a chunk of its own.
 *
 *     SEND_LOCK, RECEIVE_LOCK   robust locks: one sender, and one receiver, at a time
 *     SENT, RECEIVED            how many messages were, modulo 2^32; who waits for a message sleeps on SENT, who waits for
 *                               room on RECEIVED. Each has a cache line of its own, that the other side reads
 *     TAILS, HEADS              two of each: that at `SENT & 1`, or `RECEIVED & 1`, holds. CHUNK, OFFSET in it, and BYTES
 *                               that have passed
 *     NO_SENDERS, NO_RECEIVERS  1: of a pipe, that end is gone
 *     chunk                     NEXT chunk | SIZE of it, 0: it has one long message | LENGTH of that | messages
 *     message                   LENGTH, and that many bytes; or END: the next one stands in the next chunk. In a LENGTH the
 *                               bit RAW marks bytes that were sent as they are
 *
 * A sender writes its message behind the tail, then the other one of TAILS, and then SENT: this one store makes both hold.
 * A receiver copies the message, writes the other one of HEADS, and then RECEIVED. So a death before that store has done
 * nothing, one after it everything, and who comes next has nothing to mend: what a dead sender had half-written is
 * overwritten, and a chunk that it had linked behind the last one is given back. The message that a receiver had taken goes
 * with it.
 *
 * The chunks belong to the shared block that the ring is part of: its LIST names the first. Receivers move LIST, and give
 * back the chunks that all have left. A sender fills the chunk of a long message before it takes the lock, while the chunk
 * is its own; a receiver makes it its own after RECEIVED. Between taking a chunk from the arena and linking it, and between
 * unlinking one and giving it back, a death loses that one chunk, and with that of a long message the one behind it, for as
 * long as the family lives, and nothing else.
 */

import type { Instructions } from '../ground/arena/instructions.ts'
import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import { LISTED_OWNER, type OwnerId } from '../ground/arena/process-table.ts'
import { SHARED_HEADER_BYTES } from '../ground/arena/shared-blocks.ts'
import { SLEEPERS, WordLock } from '../ground/arena/word-lock.ts'
import type { Family } from '../ground/family.ts'
import { keepFreedMemory } from '../ground/os/malloc.ts'
import { type Handle, payloadAt } from '../memory/shared-object.ts'
import { Patience, WaitWord } from '../sync/waiting.ts'
import { CHUNK_HEADER_BYTES, ChunkView, copy, LENGTH, NEXT, SIZE, UNIT } from './chunk.ts'
import { PADDING, RING_WORDS } from './ring-size.ts'

// Words, from a multiple of 64 bytes on. What senders write, what receivers write, and what both read stand apart.
const SEND_LOCK = 0
const TAILS = 4
const SENT = 16
const RECEIVE_LOCK = 32
const HEADS = 36
const RECEIVED = 48
const DONE = 64
const MOST_MESSAGES = 80
const MOST_BYTES = 81
const NO_SENDERS = 82
const NO_RECEIVERS = RING_WORDS - 1

const CHUNK = 0
const OFFSET = 1
const BYTES = 2
const PLACE_WORDS = 4

const END = -1
const RAW = 0x80000000 | 0
const FIRST_CHUNK_BYTES = 1024
const LAST_CHUNK_BYTES = 65_536
/** A longer message has a chunk of its own. */
export const LARGEST_INLINE = 16_384

/** A long message that was received: its chunk belongs to this process now. */
export interface LongMessage {
  readonly chunk: number
  readonly length: number
}

/** Looks at a message before it is taken; throws to leave it. */
export type Check = (bytes: Uint8Array, start: number, end: number, isRaw: boolean) => void

export class Ring {
  readonly family: Family
  /** The last message taken that was not a long one begins here, in `scratch`. */
  scratch = new Uint8Array(1024)
  readonly sent: WaitWord
  readonly received: WaitWord
  readonly done: WaitWord
  readonly #words: Int32Array
  readonly #base: number
  readonly #on: Instructions
  readonly #self: OwnerId
  /** Where words are for `#on`. */
  readonly #sentAt: number
  readonly #receivedAt: number
  readonly #sendLockAt: number
  readonly #receiveLockAt: number
  readonly #list: number
  readonly #sendLock: WordLock
  readonly #receiveLock: WordLock
  readonly #mostMessages: number
  readonly #mostBytes: number
  readonly #tail: ChunkView
  readonly #head: ChunkView
  /** So many were sent at least, when no more than `#receivedLast` had been received. */
  #sentSeen = 0
  #receivedLast = 0
  /** So many messages, and bytes, were received at least. */
  #receivedSeen: number
  #leftSeen = 0

  /** @param limits of a new one: messages and bytes that it holds at the most, 0: as many as there is memory for */
  constructor(handle: Handle, limits?: { messages: number; bytes: number }) {
    const { family } = handle
    const { memory, self, platform, table } = family
    const at = Math.ceil(payloadAt(handle) / PADDING) * PADDING
    const isAlive = (owner: number) => platform.isAlive(table, owner)
    this.family = family
    this.#words = memory.windowOf(at).words
    this.#base = (at % WINDOW_BYTES) >> 2
    this.#list = family.shared.listOf(handle.at)
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
    const chunk = this.#newChunk(FIRST_CHUNK_BYTES)
    this.family.memory.set(this.#list, chunk)
    for (const place of [TAILS, HEADS]) {
      words[base + place + CHUNK] = chunk
      words[base + place + OFFSET] = CHUNK_HEADER_BYTES
    }
  }

  /** Messages that stand here. */
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

  /** Messages that were sent and not yet reported done. */
  get unfinished(): number {
    return (this.#on.load(this.#sentAt) - this.done.load()) | 0
  }

  /** One more is done. @returns false when all were already */
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

  /** The chunk of a long message, with the bytes. One that is not sent must be given to `discard`. */
  pack(bytes: Uint8Array, start: number, length: number, isRaw: boolean): number {
    const { arena, memory } = this.family
    const at = arena.allocate(CHUNK_HEADER_BYTES + length)
    try {
      this.#show(at, length, (target, offset) => target.set(bytes.subarray(start, start + length), offset))
    } catch (error) {
      arena.free(at)
      throw error
    }
    memory.set(at + SIZE, 0)
    memory.set(at + LENGTH, isRaw ? length | RAW : length)
    return at / UNIT
  }

  /** @param chunk 0: none */
  discard(chunk: number): void {
    if (chunk !== 0) this.family.arena.free(chunk * UNIT)
  }

  /**
   * Sends so many bytes.
   * @param isRaw they are no value, but what the user gave
   * @param chunk of what is longer than LARGEST_INLINE, that `pack` copied it to; 0: none
   * @returns false when there is no room
   */
  send(bytes: Uint8Array, start: number, length: number, isRaw: boolean, chunk: number): boolean {
    if (!this.#hasRoom(length)) return false
    const words = this.#words
    const base = this.#base
    const on = this.#on
    // Tried here, and given back here, V8 compiles the instruction into this method; those of WordLock serve several kinds.
    if (on.compareExchange(this.#sendLockAt, 0, this.#self) !== 0) this.#sendLock.acquire()
    try {
      if (!this.#hasRoom(length)) return false
      const sent = words[base + SENT]
      const from = base + TAILS + (sent & 1) * PLACE_WORDS
      const to = base + TAILS + (~sent & 1) * PLACE_WORDS
      if (chunk === 0) this.#write(bytes, start, length, isRaw, from, to)
      else this.#append(chunk, from, to)
      words[to + BYTES] = words[from + BYTES] + length
      on.exchange(this.#sentAt, (sent + 1) | 0)
    } finally {
      if (on.exchange(this.#sendLockAt, 0) & SLEEPERS) this.#sendLock.wakeNext()
    }
    this.sent.wake(1)
    return true
  }

  /** What was seen last is looked at again only when it says no: it can only have become more. */
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

  #write(bytes: Uint8Array, start: number, length: number, isRaw: boolean, from: number, to: number): void {
    const words = this.#words
    const view = this.#tail
    const needed = 4 + ((length + 3) & ~3)
    let chunk = words[from + CHUNK]
    let offset = words[from + OFFSET]
    view.look(chunk)
    const size = view.size
    // There is always room for END.
    if (offset + needed + 4 > size) {
      const next = this.#newChunk(Math.max(Math.min(size * 4, LAST_CHUNK_BYTES), needed + CHUNK_HEADER_BYTES + 4))
      this.#link(chunk, next, offset)
      chunk = next
      offset = CHUNK_HEADER_BYTES
      view.look(chunk)
    }
    const at = view.start + offset
    view.words[at >> 2] = isRaw ? length | RAW : length
    copy(bytes, start, length, view.bytes, at + 4)
    words[to + CHUNK] = chunk
    words[to + OFFSET] = offset + needed
  }

  /** The chunk of a long message, and behind it the one where it goes on. */
  #append(chunk: number, from: number, to: number): void {
    const { arena, memory } = this.family
    const next = this.#newChunk(LAST_CHUNK_BYTES)
    memory.set(chunk * UNIT + NEXT, next)
    arena.setOwner(chunk * UNIT, LISTED_OWNER)
    this.#link(this.#words[from + CHUNK], chunk, this.#words[from + OFFSET])
    this.#words[to + CHUNK] = next
    this.#words[to + OFFSET] = CHUNK_HEADER_BYTES
  }

  #link(last: number, chunk: number, offset: number): void {
    const { memory } = this.family
    const left = memory.get(last * UNIT + NEXT)
    memory.set(last * UNIT + NEXT, chunk)
    memory.set(last * UNIT + offset, END)
    // A sender died before its message was sent.
    this.family.shared.freeList(left)
  }

  #newChunk(size: number): number {
    const at = this.family.arena.allocate(size, LISTED_OWNER)
    this.family.memory.set(at + NEXT, 0)
    this.family.memory.set(at + SIZE, size)
    return at / UNIT
  }

  /**
   * Takes the first message.
   * @returns its length, and it stands in `scratch`; or a long one; undefined when there is none
   */
  receive(check?: Check): number | LongMessage | undefined {
    const on = this.#on
    if (!this.#hasMessage(on.load(this.#receivedAt))) return undefined
    if (on.compareExchange(this.#receiveLockAt, 0, this.#self) !== 0) this.#receiveLock.acquire()
    let message: number | LongMessage
    try {
      const received = this.#words[this.#base + RECEIVED]
      if (!this.#hasMessage(received)) return undefined
      message = this.#take(received, check)
      this.#receivedLast = (received + 1) | 0
    } finally {
      if (on.exchange(this.#receiveLockAt, 0) & SLEEPERS) this.#receiveLock.wakeNext()
    }
    if (this.#mostMessages !== 0) this.received.wake(1)
    else if (this.#mostBytes !== 0 && this.received.isAwaited) this.#tellRoom()
    return message
  }

  /**
   * Wakes who waits for room for bytes once half of them have left: so a sender that is slow to wake finds room for several
   * messages, and the receiver has some left meanwhile. Who wants more than half is woken each time from there on.
   */
  #tellRoom(): void {
    const waiting =
      this.#bytesAt(TAILS, this.#on.load(this.#sentAt)) - this.#bytesAt(HEADS, this.#on.load(this.#receivedAt))
    // Room for so many may be enough for several, and not for the one that came first.
    if ((waiting | 0) <= this.#mostBytes / 2) this.received.wake(Number.POSITIVE_INFINITY)
  }

  /** Whether more than `received` were sent. What was seen last says so as long as nobody else has received since. */
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
    const length = header & ~RAW
    if (this.scratch.length < length) this.scratch = new Uint8Array(Math.max(length, LARGEST_INLINE))
    copy(view.bytes, at + 4, length, this.scratch, 0)
    check?.(this.scratch, 0, length, header < 0)
    words[to + CHUNK] = view.chunk
    words[to + OFFSET] = offset + 4 + ((length + 3) & ~3)
    words[to + BYTES] = words[from + BYTES] + length
    this.#on.exchange(this.#receivedAt, (received + 1) | 0)
    if (view.chunk !== first) this.#unlink(view.chunk, 0)
    return length
  }

  #takeLong(received: number, chunk: number, from: number, to: number, check: Check | undefined): LongMessage {
    const { arena, memory, platform, self } = this.family
    const words = this.#words
    const header = memory.get(chunk * UNIT + LENGTH)
    const length = header & ~RAW
    if (check !== undefined) {
      this.#show(chunk * UNIT, length, (bytes, start) => check(bytes, start, start + length, header < 0))
    }
    const next = memory.get(chunk * UNIT + NEXT)
    words[to + CHUNK] = next
    words[to + OFFSET] = CHUNK_HEADER_BYTES
    words[to + BYTES] = words[from + BYTES] + length
    this.#on.exchange(this.#receivedAt, (received + 1) | 0)
    this.#unlink(next, chunk)
    arena.setOwner(chunk * UNIT, self)
    if (platform.method === 'spawn') keepFreedMemory()
    return { chunk, length }
  }

  /** Gives back the chunks before `head`. @param kept but this one */
  #unlink(head: number, kept: number): void {
    const { arena, memory } = this.family
    for (let chunk = memory.get(this.#list); chunk !== head; ) {
      const next = memory.get(chunk * UNIT + NEXT)
      memory.set(this.#list, next)
      if (chunk !== kept) arena.free(chunk * UNIT)
      chunk = next
    }
  }

  /** Shows `use` the bytes of a long message, for as long as it runs. */
  read<R>({ chunk, length }: LongMessage, use: (bytes: Uint8Array, start: number) => R): R {
    return this.#show(chunk * UNIT, length, use)
  }

  /** What is longer than a window of the arena is mapped anew, and that begins with the chunk, at a page. */
  #show<R>(at: number, length: number, use: (bytes: Uint8Array, start: number) => R): R {
    return this.family.memory.withBytes(at, CHUNK_HEADER_BYTES + length, (bytes, start) =>
      use(bytes, start + CHUNK_HEADER_BYTES)
    )
  }

  /** Gives the long message's chunk back. */
  free({ chunk }: LongMessage): void {
    this.family.arena.free(chunk * UNIT)
  }
}

/** What stands where in the block of a ring, for `SharedBlocks.link`: what becomes 1 when an end goes, and who is woken then. */
export const RECEIVING_END = { gone: place(NO_RECEIVERS), wake: place(RECEIVED) }
export const SENDING_END = { gone: place(NO_SENDERS), wake: place(SENT) }

function place(word: number): number {
  return Math.ceil(SHARED_HEADER_BYTES / PADDING) * PADDING + word * 4
}

/** What is waited for, for reports: see `Wait.subject`. @param at where the words of the ring begin */
function subjectsOf(block: number, at: number): { sent: string; received: string; done: string } {
  const size = `which has {difference ${at + SENT * 4} ${at + RECEIVED * 4}} messages`
  return {
    sent: `to receive from {block ${block}}, ${size}`,
    received: `to send to {block ${block}}, ${size}`,
    done: `for the {difference ${at + SENT * 4} ${at + DONE * 4}} items of {block ${block}} that are not done`
  }
}
