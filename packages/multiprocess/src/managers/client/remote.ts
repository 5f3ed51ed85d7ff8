/** The types of proxies of registered objects, made from the types of the objects. */
import type { BaseProxy } from './proxy.ts'

type AnyMethod = (...args: never[]) => unknown

/** The names of a proxy's methods: public methods that are not blocking twins of others. */
type MethodName<T> = {
  [K in keyof T & string]: T[K] extends AnyMethod
    ? K extends `_${string}` | 'then'
      ? never
      : K extends `${infer Base}Sync`
        ? Base extends keyof T
          ? never
          : K
        : K
    : never
}[keyof T & string]

/** The type in which a method's result arrives. */
export type Arriving<R> =
  R extends PromiseLike<infer A>
    ? Arriving<A>
    : R extends AsyncIterator<infer T, infer N> | Iterator<infer T, infer N>
      ? IteratorProxy<T, N>
      : R

type AsyncMethod<F> = F extends (...args: infer A) => infer R ? (...args: A) => Promise<Arriving<R>> : never
type BlockingMethod<F> = F extends (...args: infer A) => infer R ? (...args: A) => Arriving<R> : never

/**
 * The proxy of a `T`: each public method is asynchronous, and has a blocking twin whose name ends in `Sync`. Fields, and methods whose
 * names begin with `_`, are missing. A method that returns a generator or an iterator, or an async one, returns an async iterator here.
 */
export type Remote<T> = BaseProxy & {
  [K in MethodName<T>]: AsyncMethod<T[K]>
} & {
  [K in MethodName<T> as `${K}Sync`]: BlockingMethod<T[K]>
}

/** An iterator that runs at the server. */
export interface IteratorProxy<T, N = unknown> extends BaseProxy, AsyncIterableIterator<T> {
  /** Resolves to the next result. */
  next(...args: [] | [N]): Promise<IteratorResult<T>>
  /** Does the same as `next`, and blocks the thread. */
  nextSync(...args: [] | [N]): IteratorResult<T>
  /** Ends the iteration. */
  return(value?: unknown): Promise<IteratorResult<T>>
  /** Does the same as `return`, and blocks the thread. */
  returnSync(value?: unknown): IteratorResult<T>
  /** Throws an error into a generator. */
  throw(error?: unknown): Promise<IteratorResult<T>>
  /** Does the same as `throw`, and blocks the thread. */
  throwSync(error?: unknown): IteratorResult<T>
  /** Returns the proxy itself: a `for await` loop reads it. */
  [Symbol.asyncIterator](): this
}

/** A function at the server: `call` runs it, and `callSync` blocks the thread meanwhile. */
export type CallableProxy<F> = F extends (...args: infer A) => infer R
  ? BaseProxy & {
      /** Runs the function at the server. Resolves to its result, or rejects with its error. */
      call(...args: A): Promise<Arriving<R>>
      /** Does the same as `call`, and blocks the thread. */
      callSync(...args: A): Arriving<R>
    }
  : never

/** The type in which a factory's product arrives. */
export type RemoteOf<T> = T extends AsyncIterator<infer I, infer N> | Iterator<infer I, infer N>
  ? IteratorProxy<I, N>
  : T extends AnyMethod
    ? CallableProxy<T>
    : Remote<T>
