/** Which URL was found to lead to which, so that a loop is noticed also when several visits go round it at once. */
export class Redirects {
  readonly #targets = new Map<string, string>()

  /**
   * @returns when this redirect closes a loop, the URLs of the loop, in their order, from the alphabetically first on;
   * so it is reported once, and in the same way wherever it was entered
   */
  add(from: string, to: string): string[] | undefined {
    this.#targets.set(from, to)
    const loop = [from]
    for (let url = to; url !== from; ) {
      loop.push(url)
      const next = this.#targets.get(url)
      // `from` may lead into a loop that was closed, and reported, before.
      if (next === undefined || (next !== from && loop.includes(next))) return undefined
      url = next
    }
    const first = loop.indexOf([...loop].sort()[0])
    return [...loop.slice(first), ...loop.slice(0, first)]
  }
}
