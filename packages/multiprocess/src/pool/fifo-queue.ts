/** First in, first out, in constant time: an array whose head moves on, and which is cut when half of it is spent. */
export class FifoQueue<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Before all others. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item
    else this.#items.unshift(item)
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  /** Keeps those that `isKept` answers true for; answers the others. */
  filter(isKept: (item: T) => boolean): T[] {
    const kept: T[] = []
    const dropped: T[] = []
    for (const item of this.#items.slice(this.#head) as T[]) (isKept(item) ? kept : dropped).push(item)
    this.#items = kept
    this.#head = 0
    return dropped
  }
}
