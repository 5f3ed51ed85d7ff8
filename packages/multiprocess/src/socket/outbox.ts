/**
 * What is to go through a socket, message after message. One batch at a time is handed to the event loop's socket; as long as
 * that has all gone, a thread that blocks may write to the descriptor itself.
 */
export interface QueuedMessage {
  /** The pieces that have not gone yet. */
  pieces: readonly Uint8Array[]
  /** True if a part of the message has gone. */
  hasBegun: boolean
  /** Runs once: all has gone to the system, or nothing more will go. */
  readonly done: (error?: Error) => void
}

/** Bytes that are handed over at once, when there are several messages. */
const BATCH_BYTES = 2 ** 18

export function bytesIn(pieces: readonly Uint8Array[]): number {
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  return bytes
}

export class Outbox {
  #waiting: QueuedMessage[] = []
  #handed: QueuedMessage[] = []
  #bytes = 0

  /** Bytes that wait or were handed over. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#handed.length === 0
  }

  get hasHanded(): boolean {
    return this.#handed.length > 0
  }

  add(parcel: QueuedMessage): void {
    this.#waiting.push(parcel)
    this.#bytes += bytesIn(parcel.pieces)
  }

  /** Takes back what has not begun to go. @returns false when it has */
  withdraw(parcel: QueuedMessage): boolean {
    const index = parcel.hasBegun ? -1 : this.#waiting.indexOf(parcel)
    if (index < 0) return false
    this.#waiting.splice(index, 1)
    this.#bytes -= bytesIn(parcel.pieces)
    return true
  }

  /** What the event loop's socket is to write next; none, while it has some. */
  hand(all = false): Uint8Array[] {
    if (this.#handed.length > 0 && !all) return []
    let count = 0
    let bytes = 0
    while (count < this.#waiting.length && (all || bytes < BATCH_BYTES)) {
      const parcel = this.#waiting[count++]
      parcel.hasBegun = true
      bytes += bytesIn(parcel.pieces)
    }
    const batch = this.#waiting.splice(0, count)
    this.#handed.push(...batch)
    return batch.flatMap(({ pieces }) => pieces)
  }

  /** All that was handed over has gone. */
  complete(): void {
    const gone = this.#handed
    this.#handed = []
    for (const parcel of gone) this.#bytes -= bytesIn(parcel.pieces)
    for (const parcel of gone) parcel.done()
  }

  /** What was handed over comes back; but for the last `unsent` bytes it has gone. */
  takeBack(unsent: number): void {
    const parcels = this.#handed
    this.#handed = []
    let gone = parcels.reduce((sum, { pieces }) => sum + bytesIn(pieces), -unsent)
    this.#waiting.unshift(...parcels)
    while (gone > 0) gone -= this.#advance(gone)
  }

  /** Takes what waits to where `write` puts it, until that answers -1: there is no room. @returns whether all has gone */
  drain(write: (bytes: Uint8Array) => number): boolean {
    while (this.#waiting.length > 0) {
      const count = write(this.#waiting[0].pieces[0])
      if (count < 0) return false
      this.#advance(count)
    }
    return true
  }

  /** Nothing more will go. */
  fail(error: Error): void {
    const lost = [...this.#handed, ...this.#waiting]
    this.#handed = []
    this.#waiting = []
    this.#bytes = 0
    for (const parcel of lost) parcel.done(error)
  }

  /** So many bytes of the first piece have gone, or all of it. */
  #advance(count: number): number {
    const parcel = this.#waiting[0]
    const [first, ...rest] = parcel.pieces
    const gone = Math.min(count, first.length)
    this.#bytes -= gone
    parcel.hasBegun = true
    parcel.pieces = gone < first.length ? [first.subarray(gone), ...rest] : rest
    if (parcel.pieces.length === 0) {
      this.#waiting.shift()
      parcel.done()
    }
    return gone
  }
}
