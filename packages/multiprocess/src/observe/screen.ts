/**
 * The last lines of a terminal, shared by several pieces of work at once: each has a line, and all lines are redrawn. Processes that draw on
 * the same terminal, such as a pool's process and workers with pools of their own, share it: each draws below those before it in the
 * family, and leaves the cursor at the beginning of the first line of all.
 */
import { openFamily } from '../ground/family.ts'

const NO_WRAP = '\x1b[?7l'
const WRAP = '\x1b[?7h'
const TO_BEGIN = '\x1b[1G'
const CLEAR_LINE = '\x1b[0K'
const CLEAR_BELOW = '\x1b[0J'
const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24

interface ScreenLine {
  textFor(columns: number): string
}

const screens = new WeakMap<NodeJS.WriteStream, Screen>()

export class Screen {
  readonly #stream: NodeJS.WriteStream
  readonly #lines = new Set<ScreenLine>()
  /** Lines of others, which have ended, may still be below. */
  #isShared = false

  static of(stream: NodeJS.WriteStream): Screen {
    let screen = screens.get(stream)
    if (screen === undefined) {
      screen = new Screen(stream)
      screens.set(stream, screen)
    }
    return screen
  }

  private constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  add(line: ScreenLine): void {
    if (this.#lines.size === 0) process.on('exit', this.#leave)
    this.#lines.add(line)
    this.#tell()
  }

  draw(): void {
    this.#write(undefined)
  }

  /** Draws a line a last time, above those that continue, and leaves it there. */
  end(line: ScreenLine): void {
    this.#lines.delete(line)
    this.#tell()
    if (this.#lines.size === 0) process.off('exit', this.#leave)
    this.#write(line)
  }

  /** In one piece: what processes write at once does not mix. @param ended stays above all others */
  #write(ended: ScreenLine | undefined): void {
    const columns = (this.#stream.columns ?? DEFAULT_COLUMNS) - 1
    const { above, below } = this.#others()
    if (above + below > 0) this.#isShared = true
    // A line below the last one of the terminal would move all others.
    const room = Math.max(1, (this.#stream.rows ?? DEFAULT_ROWS) - 1 - above - (ended === undefined ? 0 : 1))
    // A line that wraps could not be redrawn. Characters may be wider than their count.
    const textOf = (line: ScreenLine) => `${line.textFor(columns).slice(0, columns)}${CLEAR_LINE}`
    const last = ended === undefined ? '' : `${textOf(ended)}\n`
    const lines = [...this.#lines].slice(0, room)
    const down = lines.length === 0 ? '' : '\n'.repeat(above) + lines.map(textOf).join('\n')
    const end = this.#isShared && below === 0 ? CLEAR_BELOW : ''
    const height = lines.length === 0 ? 0 : above + lines.length - 1
    const up = height > 0 ? `\x1b[${height}A` : ''
    this.#stream.write(`${TO_BEGIN}${NO_WRAP}${last}${down}${end}${up}${TO_BEGIN}${WRAP}`)
  }

  #tell(): void {
    openFamily('spawn')?.titles.setLines(this.#lines.size)
  }

  #others(): { above: number; below: number } {
    return openFamily('spawn')?.titles.otherLines() ?? { above: 0, below: 0 }
  }

  /** Makes the next output begin below all lines, if these are not those of a worker. */
  readonly #leave = (): void => {
    const { above, below } = this.#others()
    if (above === 0) this.#stream.write('\n'.repeat(this.#lines.size + below))
    this.#lines.clear()
    this.#tell()
  }
}
