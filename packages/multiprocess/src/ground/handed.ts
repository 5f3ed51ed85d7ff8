/**
 * Arguments for constructors that programs also call, through their own subclasses. The package passes the argument outside the
 * call, and the first object that is constructed takes it. Subclasses need not pass it on, and a program cannot supply it.
 */
export class Handed<T> {
  #value: T | undefined

  /** Runs `make`; the first constructor in it that takes the value gets it. */
  during<R>(value: T, make: () => R): R {
    this.#value = value
    try {
      return make()
    } finally {
      this.#value = undefined
    }
  }

  /** True while there is a value to take. */
  get isThere(): boolean {
    return this.#value !== undefined
  }

  /** Returns the value, to the first caller only; undefined if the program itself constructs the object. */
  take(): T | undefined {
    const value = this.#value
    this.#value = undefined
    return value
  }
}
