/**
 * Arguments for constructors that programs call too, through classes of their own: the package hands the argument over beside the
 * call, and the first object that is constructed takes it. Subclasses need not pass it on, and a program cannot give it.
 */
export class Handed<T> {
  #value: T | undefined

  /** Runs `make`; the first constructor in it that takes gets `value`. */
  during<R>(value: T, make: () => R): R {
    this.#value = value
    try {
      return make()
    } finally {
      this.#value = undefined
    }
  }

  /** True while a value is there to be taken. */
  get isThere(): boolean {
    return this.#value !== undefined
  }

  /** Returns the value to the first that asks; undefined: the program itself constructs. */
  take(): T | undefined {
    const value = this.#value
    this.#value = undefined
    return value
  }
}
