/** Shows how far a `map` or `imap` is. */
import { describe } from '../../checks.ts'
import { queueMicrotask } from '../../ground/os/time.ts'
import { inContext } from '../shared/in-context.ts'

/**
 * Shows progress in a way of its own: in a notebook, a window, a log. An error that a method throws is an uncaught error; the results still
 * arrive.
 * @example
 * import { Pool, type ProgressDisplay } from 'multiprocess'
 *
 * const display: ProgressDisplay = {
 *   update: (done, total) => console.error(`${done} of ${total ?? 'many'}`),
 *   end: () => console.log('all done')
 * }
 * await using pool = new Pool(2)
 * await pool.map((n: number) => n * n, [1, 2, 3], { progress: display })
 */
export interface ProgressDisplay {
  /** Called once, before the first result. @param total undefined: not known */
  begin?(total: number | undefined): void
  /** Called as results arrive. @param total undefined: not known */
  update(done: number, total: number | undefined): void
  /** Called once, when nothing more will come, also after an error. */
  end?(): void
}

export type ProgressOption = boolean | string | ((done: number, total: number | undefined) => void) | ProgressDisplay

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
  const isDisplay = typeof option === 'object' && option !== null && isCallable(option.update)
  if (isDisplay && isCallable(option.begin ?? skip) && isCallable(option.end ?? skip)) return shownBy(option)
  throw new TypeError(
    `progress must be true, a label, a function, or an object with update() and, if you like, begin() and end(), got ${describe(option)}`
  )
}

const skip = () => {}

function isCallable(value: unknown): boolean {
  return typeof value === 'function'
}

/** Calls the display in microtasks: an error of the display does not concern the pool. */
function shownBy(display: ProgressDisplay): Progress {
  const later = inContext((show: () => void) => queueMicrotask(show))
  let hasEnded = false
  return {
    begin: total => later(() => display.begin?.(total)),
    update: (done, total) => later(() => display.update(done, total)),
    end: () => {
      if (!hasEnded) later(() => display.end?.())
      hasEnded = true
    }
  }
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
