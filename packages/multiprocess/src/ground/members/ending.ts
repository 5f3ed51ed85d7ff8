import { runNext } from '../os/time.ts'
/** Who wants to know that a member has ended. */
export class Ending {
  readonly #listeners = new Set<(exitcode: number) => void>()
  #exitcode: number | null = null

  /** @returns a function that takes the listener back */
  onEnd(listener: (exitcode: number) => void): () => void {
    if (this.#exitcode !== null) listener(this.#exitcode)
    else this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells all, once, and then runs `reap`; a listener that throws keeps neither the others nor `reap` from it. */
  end(exitcode: number, reap: () => void): void {
    this.#exitcode = exitcode
    for (const listener of this.#listeners) {
      try {
        listener(exitcode)
      } catch (error) {
        runNext(() => {
          throw error
        })
      }
    }
    this.#listeners.clear()
    reap()
  }
}
