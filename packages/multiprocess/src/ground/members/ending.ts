import { runNext } from '../os/time.ts'
/** The listeners for the end of a member. */
export class Ending {
  readonly #listeners = new Set<(exitcode: number) => void>()
  #exitcode: number | null = null

  /** Adds a listener, or calls it at once if the member has ended. @returns a function that removes the listener */
  onEnd(listener: (exitcode: number) => void): () => void {
    if (this.#exitcode !== null) listener(this.#exitcode)
    else this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls all listeners, once, then runs `reap`. A listener that throws stops neither the others nor `reap`. */
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
