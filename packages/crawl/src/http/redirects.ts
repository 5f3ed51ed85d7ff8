/** The redirects found so far. They show a loop even if several visits go round it at once. */
export class Redirects {
  readonly #targets = new Map<string, string>()

  /**
   * Adds a redirect.
   * @returns if this redirect closes a loop, the URLs of the loop, in their order, from the alphabetically first on: the loop is reported
   * once, and in the same form wherever it was entered
   */
  add(from: string, to: string): string[] | undefined {
    this.#targets.set(from, to)
    const loop = [from]
    for (let url = to; url !== from; ) {
      loop.push(url)
      const next = this.#targets.get(url)
      // `from` may lead into a loop that was already closed and reported.
      if (next === undefined || (next !== from && loop.includes(next))) return undefined
      url = next
    }
    const first = loop.indexOf([...loop].sort()[0])
    return [...loop.slice(first), ...loop.slice(0, first)]
  }
}
