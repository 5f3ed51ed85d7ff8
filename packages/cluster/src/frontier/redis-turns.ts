/** Decides when requests to a host may start, over all programs of a crawl. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HostTurns, TurnRequest } from 'crawl/store'
import * as scripts from './turn-scripts.ts'

/** The pause between two looks at a host to which another program sends a request, in milliseconds. */
const LOOK_MS = 20

/** Runs a script with these arguments. */
export type RunScript = (script: string, input: object) => Promise<number>

/** The turns of hosts, which all programs of a crawl share through Redis. */
export class RedisTurns implements HostTurns {
  readonly #id: string
  readonly #holdMs: number
  readonly #run: RunScript
  /** For each host, the turn that was requested last. */
  readonly #last = new Map<string, Promise<unknown>>()
  /** The hosts of the unfinished requests, by token. */
  readonly #open = new Map<string, string>()
  #count = 0

  /**
   * @param id the id of this program
   * @param holdMs after this many milliseconds without a sign of life from its program, a request counts as finished
   */
  constructor(id: string, holdMs: number, run: RunScript) {
    this.#id = id
    this.#holdMs = holdMs
    this.#run = run
  }

  turn(request: TurnRequest, signal: AbortSignal): Promise<(() => void) | null> {
    const { host } = request
    const turn = (this.#last.get(host) ?? Promise.resolve()).then(() => this.#wait(request, signal))
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (this.#last.get(host) === settled) this.#last.delete(host)
      })
    this.#last.set(host, settled)
    return turn
  }

  rest(host: string, ms: number): void {
    // If the others cannot be told, at least this program keeps the pause.
    void this.#run(scripts.REST, { host, ms }).catch(() => {})
  }

  /** Sends a sign of life for the unfinished requests. */
  async hold(): Promise<void> {
    for (const [token, host] of this.#open) await this.#run(scripts.HOLD, { host, token, holdMs: this.#holdMs })
  }

  async #wait(request: TurnRequest, signal: AbortSignal): Promise<(() => void) | null> {
    const { host, delayMs } = request
    for (;;) {
      signal.throwIfAborted()
      const token = `${this.#id}.${++this.#count}`
      const askedAt = performance.now()
      const wait = await this.#run(scripts.TURN, { ...request, token, holdMs: this.#holdMs, lookMs: LOOK_MS })
      if (wait < 0) return null
      if (wait > 0) {
        await sleep(wait, undefined, { signal })
        continue
      }
      const done = () => {
        this.#open.delete(token)
        void this.#run(scripts.DONE, { host, token, delayMs }).catch(() => {})
      }
      this.#open.set(token, host)
      // If the program was stopped meanwhile, another one may have the turn.
      if (performance.now() - askedAt < this.#holdMs / 2) return done
      done()
    }
  }
}
