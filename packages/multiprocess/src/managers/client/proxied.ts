/** The types of proxies, made from the classes of the objects that they stand for and from the table of methods. */
import type { WaitOptions } from '../../ground/waitable.ts'
import type { MethodTable, ObjectKind } from '../protocol/methods.ts'
import type { BaseProxy } from './proxy.ts'

/** What a blocking call takes: the thread that would fire a signal is blocked. */
export type BlockingOptions = Pick<WaitOptions, 'timeout'>

type Row<K extends ObjectKind, M> = M extends keyof MethodTable[K] ? MethodTable[K][M] : never

/** The arguments of a proxy's method: options take the place of the timeout. */
type Arguments<A extends unknown[], R, O> = R extends { timeoutAt: 0 }
  ? [options?: O]
  : R extends { timeoutAt: 1 }
    ? [item: A[0], options?: O]
    : A

type Later<F, R> = F extends (...args: infer A) => infer T
  ? (...args: Arguments<A, R, WaitOptions>) => Promise<Awaited<T>>
  : never
type Now<F, R> = F extends (...args: infer A) => infer T
  ? (...args: Arguments<A, R, BlockingOptions>) => Awaited<T>
  : never

/**
 * A proxy of an `O`, which is an object of the kind `K`: each of its methods asynchronous, and a blocking twin whose name ends in `Sync`.
 * `Own` are methods whose types are written by hand, since they are generic or overloaded.
 */
export type Proxied<O, K extends ObjectKind, Own extends string = never> = BaseProxy & {
  [M in keyof O as M extends keyof MethodTable[K] ? Exclude<M, Own> : never]: Later<O[M], Row<K, M>>
} & {
  [M in keyof O as M extends keyof MethodTable[K] & string ? `${Exclude<M, Own>}Sync` : never]: Now<O[M], Row<K, M>>
}
