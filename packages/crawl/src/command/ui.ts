import { once } from 'node:events'
import type { Crawl } from '../crawl.ts'
import type { CommandPage } from '../ui/start.ts'
import { UsageError } from './usage-error.ts'

/** Where the page of `--ui` is served. */
export interface Address {
  /** Undefined: on this computer only. */
  readonly host?: string
  readonly port: number
}

const HIGHEST_PORT = 65_535
/** The longest time of a timer. */
const FOREVER_MS = 2 ** 31 - 1

/** Parses a port, or an address with one, such as `0.0.0.0:8080`. */
export function readAddress(text: string): Address {
  const [, host, digits] = /^(?:(.+):)?(\d+)$/.exec(text) ?? []
  const port = Number(digits)
  if (port <= HIGHEST_PORT) return { port, ...(host === undefined ? {} : { host: host.replace(/^\[(.*)\]$/, '$1') }) }
  throw new UsageError(
    `--ui takes a port from 0 to ${HIGHEST_PORT}, or an address and a port such as 0.0.0.0:8080; it was given ${JSON.stringify(text)}`
  )
}

/** Lets `--ui` stand before a URL: what follows it is its value only if it is like a port. */
export function completeUi(args: readonly string[]): string[] {
  const end = args.indexOf('--')
  return args.map((arg, index) => {
    const isAlone = arg === '--ui' && (end < 0 || index < end)
    return isAlone && !/^(?:[\w.[\]:-]+:)?\d+$/.test(args[index + 1] ?? '') ? '--ui=0' : arg
  })
}

/** The page of `--ui`, from the beginning of the crawl until the user ends it. */
export class Ui {
  readonly #address: Address
  #page: CommandPage | undefined
  #hasInterrupt = false
  readonly #onInterrupt = () => {
    this.#hasInterrupt = true
  }

  constructor(address: Address) {
    this.#address = address
  }

  async open(pages: Crawl): Promise<CommandPage> {
    const { startCommandPage } = await import('../ui/start.ts')
    this.#page = await startCommandPage(pages, this.#address)
    process.once('SIGINT', this.#onInterrupt)
    process.stderr.write(`See it at ${this.#page.url}\n`)
    return this.#page
  }

  /**
   * Waits for Ctrl-C. If Ctrl-C has ended the crawl, it waits for another one: `main` ends the program then. After SIGTERM it does not wait.
   * @param signal aborted by the first Ctrl-C
   */
  async stay(signal: AbortSignal): Promise<void> {
    if (this.#page === undefined) return
    const isOver = signal.aborted && !this.#hasInterrupt
    if (!isOver) {
      const again = signal.aborted ? 'Ctrl-C once more' : 'Ctrl-C'
      process.stderr.write(`The page stays at ${this.#page.url} until ${again}\n`)
      // The server alone would not keep the program alive.
      const alive = setInterval(() => {}, FOREVER_MS)
      await (signal.aborted ? once(process, 'SIGINT') : once(signal, 'abort'))
      clearInterval(alive)
    }
    await this.close()
  }

  async close(): Promise<void> {
    process.off('SIGINT', this.#onInterrupt)
    await this.#page?.close()
  }
}
