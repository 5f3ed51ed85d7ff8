/** The last lines of a terminal, shared by several pieces of work at once: each has a line, and all lines are redrawn. */
import { clearLine, cursorTo, moveCursor } from 'node:readline'

const NO_WRAP = '\x1b[?7l'
const WRAP = '\x1b[?7h'
const DEFAULT_COLUMNS = 80

interface ScreenLine {
  textFor(columns: number): string
}

const screens = new WeakMap<NodeJS.WriteStream, Screen>()

export class Screen {
  readonly #stream: NodeJS.WriteStream
  readonly #lines = new Set<ScreenLine>()
  /** The number of lines on the terminal that will be redrawn; the cursor is in the last of them. */
  #drawn = 0

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
  }

  draw(): void {
    this.#write([...this.#lines])
  }

  /** Draws a line a last time, above those that continue, and leaves it there. */
  end(line: ScreenLine): void {
    this.#lines.delete(line)
    this.#write([line, ...this.#lines])
    if (this.#lines.size > 0) {
      this.#drawn--
      return
    }
    process.off('exit', this.#leave)
    this.#leave()
  }

  #write(lines: readonly ScreenLine[]): void {
    const columns = (this.#stream.columns ?? DEFAULT_COLUMNS) - 1
    if (this.#drawn > 1) moveCursor(this.#stream, 0, 1 - this.#drawn)
    cursorTo(this.#stream, 0)
    // A line that wraps could not be redrawn. Characters may be wider than their count.
    this.#stream.write(NO_WRAP)
    for (const [index, line] of lines.entries()) {
      this.#stream.write(`${index > 0 ? '\n' : ''}${line.textFor(columns).slice(0, columns)}`)
      clearLine(this.#stream, 1)
    }
    this.#stream.write(WRAP)
    this.#drawn = lines.length
  }

  /** Makes the next output begin a new line. */
  readonly #leave = (): void => {
    if (this.#drawn > 0) this.#stream.write('\n')
    this.#drawn = 0
  }
}
