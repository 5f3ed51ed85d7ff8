import { decodeHTMLAttribute } from 'entities'
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2'

/** Attributes by their names, in lower case. Of two with the same name, only the first counts. */
export type Attributes = ReadonlyMap<string, string>

/** What is reported while a page is read. */
export interface HtmlHandler {
  /** The elements whose attributes are wanted; those of others are skipped. */
  readonly wanted: ReadonlySet<string>
  /** A start tag. `isForeign` is true inside `svg` or `math`. */
  open(name: string, attributes: Attributes, isForeign: boolean): void
  /** An end tag of the text: no end tags are implied, and none need to match. */
  close(name: string): void
  /** A piece of `html` that is text. Its character references are not decoded. */
  text(html: string, start: number, end: number): void
}

const NONE: Attributes = new Map()
/** The clock is read once for this many tags. */
const TAGS_A_CLOCK = 1000
/** HTML standard, 13.2.6.5: a start tag of one of these ends foreign content. */
const BREAKS_OUT = new Set(
  (
    'b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta ' +
    'nobr ol p pre ruby s small span strong strike sub sup table tt u ul var'
  ).split(' ')
)

/**
 * Reads HTML from begin to end and reports its tags and text. It keeps no tree and no stack of open elements, so the time is linear in the
 * length, however the tags are nested.
 * @param timeLimitMs the maximum time in milliseconds. Default: none
 * @throws Error if the time is over
 */
export function readHtml(html: string, handler: HtmlHandler, timeLimitMs = Number.POSITIVE_INFINITY): void {
  const reader = new Reader(html, handler, performance.now() + timeLimitMs)
  // Without decoding, the tokenizer skips from one tag to the next; the few texts that are wanted are decoded here.
  const tokenizer = new Tokenizer({ decodeEntities: false }, reader)
  tokenizer.write(html)
  tokenizer.end()
}

class Reader implements TokenizerCallbacks {
  readonly #html: string
  readonly #handler: HtmlHandler
  readonly #end: number
  #untilClock = TAGS_A_CLOCK
  #tag = ''
  #isWanted = false
  #attributes: Map<string, string> | undefined
  #name = ''
  #value = ''
  #foreign = 0

  constructor(html: string, handler: HtmlHandler, end: number) {
    this.#html = html
    this.#handler = handler
    this.#end = end
  }

  onopentagname(start: number, end: number): void {
    this.#tag = nameIn(this.#html, start, end)
    this.#isWanted = this.#handler.wanted.has(this.#tag)
    this.#attributes = undefined
  }

  onattribname(start: number, end: number): void {
    if (!this.#isWanted) return
    this.#name = nameIn(this.#html, start, end)
    this.#value = ''
  }

  onattribdata(start: number, end: number): void {
    if (this.#isWanted) this.#value += this.#html.slice(start, end)
  }

  onattribend(): void {
    if (!this.#isWanted) return
    this.#attributes ??= new Map()
    if (this.#attributes.has(this.#name)) return
    this.#attributes.set(this.#name, this.#value.includes('&') ? decodeHTMLAttribute(this.#value) : this.#value)
  }

  onopentagend(): void {
    this.#open(false)
  }

  onselfclosingtag(): void {
    this.#open(true)
  }

  onclosetag(start: number, end: number): void {
    const name = nameIn(this.#html, start, end)
    if (this.#foreign > 0 && (name === 'svg' || name === 'math')) this.#foreign--
    this.#handler.close(name)
  }

  ontext(start: number, end: number): void {
    this.#handler.text(this.#html, start, end)
  }

  isInForeignContext(): boolean {
    return this.#foreign > 0
  }

  oncdata(start: number, end: number, offset: number): void {
    this.#handler.text(this.#html, start, end - offset)
  }

  onattribentity(): void {}
  ontextentity(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  #open(isSelfClosing: boolean): void {
    if (--this.#untilClock === 0) this.#checkTime()
    const name = this.#tag
    if (this.#foreign > 0 && BREAKS_OUT.has(name)) this.#foreign = 0
    const isForeign = this.#foreign > 0
    this.#handler.open(name, this.#attributes ?? NONE, isForeign)
    if (isSelfClosing && (isForeign || name === 'svg' || name === 'math')) this.#handler.close(name)
    else if (name === 'svg' || name === 'math') this.#foreign++
  }

  #checkTime(): void {
    this.#untilClock = TAGS_A_CLOCK
    if (performance.now() > this.#end) throw new Error('it takes too long')
  }
}

/** Returns a name in lower case. */
function nameIn(html: string, start: number, end: number): string {
  const name = html.slice(start, end)
  for (let at = start; at < end; at++) {
    const code = html.charCodeAt(at)
    if (code >= 65 && code <= 90) return name.toLowerCase()
  }
  return name
}
