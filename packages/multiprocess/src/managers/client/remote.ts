/** The types of proxies of one's own objects, made from the types of the objects. */
import type { BaseProxy } from './proxy.ts'

type AnyMethod = (...args: never[]) => unknown

/** Names that a proxy has: those of methods that are no private ones, nor blocking twins of others. */
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

/** What a method's result arrives as. */
export type Arriving<R> =
  R extends PromiseLike<infer A>
    ? Arriving<A>
    : R extends AsyncIterator<infer T, infer N> | Iterator<infer T, infer N>
      ? IteratorProxy<T, N>
      : R

type AsyncMethod<F> = F extends (...args: infer A) => infer R ? (...args: A) => Promise<Arriving<R>> : never
type BlockingMethod<F> = F extends (...args: infer A) => infer R ? (...args: A) => Arriving<R> : never

/**
 * A proxy of a `T`: every public method asynchronous, and a blocking twin whose name ends in `Sync`. Methods whose names begin
 * with `_`, and fields, are not there. What a generator or an iterator answers, or an async one, is an async iterator.
 */
export type Remote<T> = BaseProxy & {
  [K in MethodName<T>]: AsyncMethod<T[K]>
} & {
  [K in MethodName<T> as `${K}Sync`]: BlockingMethod<T[K]>
}

/** An iterator that runs at the server. */
export interface IteratorProxy<T, N = unknown> extends BaseProxy, AsyncIterableIterator<T> {
  next(...args: [] | [N]): Promise<IteratorResult<T>>
  nextSync(...args: [] | [N]): IteratorResult<T>
  return(value?: unknown): Promise<IteratorResult<T>>
  returnSync(value?: unknown): IteratorResult<T>
  throw(error?: unknown): Promise<IteratorResult<T>>
  throwSync(error?: unknown): IteratorResult<T>
  [Symbol.asyncIterator](): this
}

/** A function that runs at the server. */
export type CallableProxy<F> = F extends (...args: infer A) => infer R
  ? BaseProxy & { call(...args: A): Promise<Arriving<R>>; callSync(...args: A): Arriving<R> }
  : never

/** What a factory's product arrives as. */
export type RemoteOf<T> = T extends AsyncIterator<infer I, infer N> | Iterator<infer I, infer N>
  ? IteratorProxy<I, N>
  : T extends AnyMethod
    ? CallableProxy<T>
    : Remote<T>
