/**
 * Chooses the error that a `map` rejects with: in each chunk, the error of the first item that fails. A Pool's worker runs the items of a
 * chunk one after another, so a Pool does the same.
 */

interface ChunkState {
  /** The first item of the chunk that has not succeeded. */
  next: number
  /** Later items that have succeeded. */
  readonly done: Set<number>
  /** Later items that have failed, with the function that reports each. */
  readonly held: Map<number, () => void>
}

/** Processes run the items of a chunk at the same time. An item's error waits here until the items before it in its chunk have succeeded. */
export class ChunkErrors {
  readonly #chunksize: number
  readonly #chunks = new Map<number, ChunkState>()

  constructor(chunksize: number) {
    this.#chunksize = chunksize
  }

  succeeded(index: number): void {
    const number = Math.floor(index / this.#chunksize)
    const chunk = this.#chunk(number)
    chunk.done.add(index)
    while (chunk.done.delete(chunk.next)) chunk.next++
    chunk.held.get(chunk.next)?.()
    if (chunk.next === (number + 1) * this.#chunksize) this.#chunks.delete(number)
  }

  /** @param report is called once all earlier items of the chunk have succeeded, and never if one of them fails */
  failed(index: number, report: () => void): void {
    const chunk = this.#chunk(Math.floor(index / this.#chunksize))
    if (index === chunk.next) report()
    else chunk.held.set(index, report)
  }

  #chunk(number: number): ChunkState {
    let chunk = this.#chunks.get(number)
    if (chunk === undefined) {
      chunk = { next: number * this.#chunksize, done: new Set(), held: new Map() }
      this.#chunks.set(number, chunk)
    }
    return chunk
  }
}
