/** The types of proxies, made from the classes of their objects and from the table of methods. */
import type { WaitOptions } from '../../ground/waitable.ts'
import type { MethodTable, ObjectKind } from '../protocol/methods.ts'
import type { BaseProxy } from './proxy.ts'

/** The options of a blocking call: a signal would be useless, because the thread that aborts it is blocked. */
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
 * The proxy of an `O`, an object of the kind `K`: each of its methods is asynchronous, and has a blocking twin whose name ends in `Sync`.
 * `Own` are the methods whose types are written by hand, because they are generic or overloaded.
 */
export type Proxied<O, K extends ObjectKind, Own extends string = never> = BaseProxy & {
  [M in keyof O as M extends keyof MethodTable[K] ? Exclude<M, Own> : never]: Later<O[M], Row<K, M>>
} & {
  [M in keyof O as M extends keyof MethodTable[K] & string ? `${Exclude<M, Own>}Sync` : never]: Now<O[M], Row<K, M>>
}
