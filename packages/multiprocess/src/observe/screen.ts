/** The last lines of a terminal, where several pieces of work may be under way at once: a line for each, drawn over and over. */
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
  /** Lines on the terminal that will be drawn over; the cursor is in the last of them. */
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

  /** It is drawn a last time above those that go on, and stays. */
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
    // A line that wraps could not be drawn over. Characters may be wider than they count.
    this.#stream.write(NO_WRAP)
    for (const [index, line] of lines.entries()) {
      this.#stream.write(`${index > 0 ? '\n' : ''}${line.textFor(columns).slice(0, columns)}`)
      clearLine(this.#stream, 1)
    }
    this.#stream.write(WRAP)
    this.#drawn = lines.length
  }

  /** What is written next begins a line. */
  readonly #leave = (): void => {
    if (this.#drawn > 0) this.#stream.write('\n')
    this.#drawn = 0
  }
}
