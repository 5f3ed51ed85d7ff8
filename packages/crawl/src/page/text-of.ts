import { decodeHTML } from 'entities'

/** The text of the first element of a kind that has any. */
export class TextOf {
  readonly #mostLength: number
  #pieces: string[] = []
  #isOpen = false
  #length = 0
  text: string | null = null

  /** @param mostLength the maximum length of the text, in UTF-16 units; a longer text is cut, and ends with `…` */
  constructor(mostLength: number) {
    this.#mostLength = mostLength
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  open(): void {
    this.#isOpen = this.text === null
  }

  /** Forgets the text, so that the text of the next element is taken. */
  reset(): void {
    this.text = null
    this.#isOpen = false
    this.#pieces = []
    this.#length = 0
  }

  /** @param html a text whose part from `start` to `end` belongs to the element. Default: all of it */
  add(html: string, start = 0, end = html.length): void {
    // Without this limit, an element that is never closed would take in the whole page.
    if (!this.#isOpen || this.#length > 4 * this.#mostLength) return
    const text = html.slice(start, Math.min(end, start + MOST_PIECE))
    this.#pieces.push(text.includes('&') ? decodeHTML(text) : text)
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

/** No title needs more of one piece of text. */
const MOST_PIECE = 100_000

/** Returns a text with its white space collapsed, cut to a length. */
export function tidy(text: string, mostLength: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > mostLength ? `${line.slice(0, mostLength)}…` : line
}
