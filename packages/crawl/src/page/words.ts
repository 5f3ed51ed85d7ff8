/** Elements whose content is not read as text. */
const SILENT = new Set(['script', 'style', 'template', 'noscript', 'textarea', 'title'])
/** Elements that do not separate words. */
const INLINE = new Set('a abbr b bdi bdo code em font i kbd mark s small span strong sub sup u wbr'.split(' '))

/** Counts the words of a page, which white space and blocks separate. */
export class Words {
  count = 0
  #isInWord = false
  #silent = ''

  tag(name: string): void {
    if (this.#isInWord && !INLINE.has(name)) this.#isInWord = false
  }

  open(name: string): void {
    this.tag(name)
    if (this.#silent === '' && SILENT.has(name)) this.#silent = name
  }

  close(name: string): void {
    this.tag(name)
    if (name === this.#silent) this.#silent = ''
  }

  text(html: string, start: number, end: number): void {
    if (this.#silent !== '') return
    let isInWord = this.#isInWord
    for (let at = start; at < end; at++) {
      const code = html.charCodeAt(at)
      if (code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0x3000) isInWord = false
      else if (!isInWord) {
        isInWord = true
        this.count++
      }
    }
    this.#isInWord = isInWord
  }
}
