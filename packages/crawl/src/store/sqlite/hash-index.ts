const FIRST_CAPACITY = 1024
/** Above this share of used places, the table grows. */
const MOST_FULL = 0.6

/**
 * A table from hashes to ids in two typed arrays: 20 to 40 bytes for each URL. An index in the database would be written in random places,
 * which makes its log a hundred times as long as the data.
 */
export class HashIndex {
  #hashes = new Float64Array(FIRST_CAPACITY)
  /** 0 marks a free place. */
  #ids = new Int32Array(FIRST_CAPACITY)
  #size = 0

  /**
   * Returns the id that was added with a hash.
   * @param isIt returns true if an id is the right one, because several can have one hash
   */
  find(hash: number, isIt: (id: number) => boolean): number | undefined {
    const mask = this.#ids.length - 1
    for (let place = hash & mask; this.#ids[place] !== 0; place = (place + 1) & mask) {
      if (this.#hashes[place] === hash && isIt(this.#ids[place])) return this.#ids[place]
    }
    return undefined
  }

  /** @param id from 1 to 2,147,483,647 */
  add(hash: number, id: number): void {
    if (this.#size >= this.#ids.length * MOST_FULL) this.#grow()
    this.#put(hash, id)
    this.#size++
  }

  #put(hash: number, id: number): void {
    const mask = this.#ids.length - 1
    let place = hash & mask
    while (this.#ids[place] !== 0) place = (place + 1) & mask
    this.#hashes[place] = hash
    this.#ids[place] = id
  }

  #grow(): void {
    const hashes = this.#hashes
    const ids = this.#ids
    this.#hashes = new Float64Array(ids.length * 2)
    this.#ids = new Int32Array(ids.length * 2)
    for (const [place, id] of ids.entries()) if (id !== 0) this.#put(hashes[place], id)
  }
}

/** Returns a hash of 53 bits: cyrb53 by bryc (public domain). */
export function hashOf(text: string): number {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}
