/** The text of the first element of a kind that has any. */
export class TextOf {
  readonly #mostLength: number
  #pieces: string[] = []
  #isOpen = false
  #length = 0
  text: string | null = null

  /** @param mostLength of the text, in UTF-16 units; what is longer is cut, and ends with `…` */
  constructor(mostLength: number) {
    this.#mostLength = mostLength
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  open(): void {
    this.#isOpen = this.text === null
  }

  /** Forgets the text, so that the next element's is taken. */
  reset(): void {
    this.text = null
    this.#isOpen = false
    this.#pieces = []
    this.#length = 0
  }

  add(text: string): void {
    // Without an end, an element that is never closed would take in the whole page.
    if (!this.#isOpen || this.#length > 4 * this.#mostLength) return
    this.#pieces.push(text)
    this.#length += text.length
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const text = tidy(this.#pieces.join(''), this.#mostLength)
    this.#pieces = []
    this.#length = 0
    if (text !== '') this.text = text
  }
}

/** A text with its white space collapsed, cut to a length. */
export function tidy(text: string, mostLength: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > mostLength ? `${line.slice(0, mostLength)}…` : line
}
