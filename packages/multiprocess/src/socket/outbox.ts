/**
 * The messages that are to be sent through a socket, in their order. One batch at a time is handed to Node's socket; once it has been sent,
 * a blocked thread may write to the descriptor itself.
 */
export interface QueuedMessage {
  /** The pieces that have not been sent yet. */
  pieces: readonly Uint8Array[]
  /** True if a part of the message has been sent. */
  hasBegun: boolean
  /** Runs once: when the system has the whole message, or nothing more will be sent. */
  readonly done: (error?: Error) => void
}

/** The bytes that are handed over at once, if there are several messages. */
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

  /** The bytes that wait or were handed over. */
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

  /** Takes back a message. @returns false if a part of it has already been sent */
  withdraw(parcel: QueuedMessage): boolean {
    const index = parcel.hasBegun ? -1 : this.#waiting.indexOf(parcel)
    if (index < 0) return false
    this.#waiting.splice(index, 1)
    this.#bytes -= bytesIn(parcel.pieces)
    return true
  }

  /** Returns what Node's socket has to write next; nothing while it is still writing. */
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

  /** Notes that all that was handed over has been sent. */
  complete(): void {
    const gone = this.#handed
    this.#handed = []
    for (const parcel of gone) this.#bytes -= bytesIn(parcel.pieces)
    for (const parcel of gone) parcel.done()
  }

  /** Takes back what was handed over; all of it except the last `unsent` bytes has been sent. */
  takeBack(unsent: number): void {
    const parcels = this.#handed
    this.#handed = []
    let gone = parcels.reduce((sum, { pieces }) => sum + bytesIn(pieces), -unsent)
    this.#waiting.unshift(...parcels)
    while (gone > 0) gone -= this.#advance(gone)
  }

  /** Passes waiting bytes to `write`, until it returns -1 because there is no room. @returns true if everything has been sent */
  drain(write: (bytes: Uint8Array) => number): boolean {
    while (this.#waiting.length > 0) {
      const count = write(this.#waiting[0].pieces[0])
      if (count < 0) return false
      this.#advance(count)
    }
    return true
  }

  /** Fails all messages: nothing more will be sent. */
  fail(error: Error): void {
    const lost = [...this.#handed, ...this.#waiting]
    this.#handed = []
    this.#waiting = []
    this.#bytes = 0
    for (const parcel of lost) parcel.done(error)
  }

  /** Notes that this many bytes of the first piece have been sent, or all of it. */
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
