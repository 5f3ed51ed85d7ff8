/** How far a `map` or `imap` is, for who asked. */
import { describe } from '../../checks.ts'
import { inContext } from '../shared/in-context.ts'

export type ProgressOption = boolean | string | ((done: number, total: number | undefined) => void)

export interface Progress {
  /** Results will come. */
  begin(total: number | undefined): void
  /** @param total undefined: not known */
  update(done: number, total: number | undefined): void
  /** Nothing more will come. */
  end(): void
}

/** @throws TypeError when it is nothing that progress can be told to */
export function progressOf(option: ProgressOption | undefined): Progress | undefined {
  if (option === undefined || option === false) return undefined
  if (typeof option === 'function') {
    return { begin: () => {}, update: inContext(option), end: () => {} }
  }
  if (option === true || typeof option === 'string') return new LazyProgress(option === true ? '' : option)
  throw new TypeError(`progress must be true, a label or a function, got ${describe(option)}`)
}

/** How many items there are, where that can be known. */
export function sizeOf(items: unknown): number | undefined {
  if (Array.isArray(items)) return items.length
  if (items instanceof Set || items instanceof Map) return items.size
  return ArrayBuffer.isView(items) ? (items as Uint8Array).length : undefined
}

/** What draws is loaded when there is something to draw. */
class LazyProgress implements Progress {
  #drawing: Omit<Progress, 'begin'> | undefined
  #last: [number, number | undefined] = [0, undefined]
  #isEnded = false

  constructor(label: string) {
    void import('../../observe/progress.ts').then(({ ProgressLine }) => {
      this.#drawing = new ProgressLine(label, process.stderr)
      this.#drawing.update(...this.#last)
      if (this.#isEnded) this.#drawing.end()
    })
  }

  begin(total: number | undefined): void {
    this.update(0, total)
  }

  update(done: number, total: number | undefined): void {
    this.#last = [done, total]
    this.#drawing?.update(done, total)
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#drawing?.end()
  }
}
