/** What proxies of locks run while they hold them, and which `runExclusive` a call comes from. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { OwnerDiedError, TimeoutError } from '../../errors.ts'
import type { Awaitable } from '../../ground/awaitable.ts'
import type { WaitOptions } from '../../ground/waitable.ts'
import { checkFunction, checkSyncFunction } from '../../sync/exclusive.ts'
import { waitFor, waitForSync } from '../../sync/wait-for.ts'
import { type Contexts, ownContext } from '../protocol/nesting.ts'
import type { BlockingOptions } from './proxied.ts'
import { BaseProxy, insideProxy } from './proxy.ts'

const { parts } = insideProxy

/** What the table gives to the proxy of a lock. */
interface Lockable {
  acquire(options?: WaitOptions): Promise<boolean>
  acquireSync(options?: BlockingOptions): boolean
  release(): Promise<void>
  releaseSync(): void
  wait(options?: WaitOptions): Promise<boolean>
  waitSync(options?: BlockingOptions): boolean
}

export class ExclusiveProxy extends BaseProxy {
  async runExclusive<R>(fn: () => Awaitable<R>, options: WaitOptions = {}): Promise<R> {
    checkFunction(fn)
    const lock = this as unknown as Lockable
    let isAcquired: boolean
    try {
      isAcquired = await lock.acquire(options)
    } catch (error) {
      if (error instanceof OwnerDiedError) await lock.release()
      throw error
    }
    if (!isAcquired) throw notAcquired(options)
    try {
      return await fn()
    } finally {
      await lock.release()
    }
  }

  runExclusiveSync<R>(fn: () => R, options: BlockingOptions = {}): R {
    checkSyncFunction(fn)
    const lock = this as unknown as Lockable
    let isAcquired: boolean
    try {
      isAcquired = lock.acquireSync(options)
    } catch (error) {
      if (error instanceof OwnerDiedError) lock.releaseSync()
      throw error
    }
    if (!isAcquired) throw notAcquired(options)
    try {
      return fn()
    } finally {
      lock.releaseSync()
    }
  }
}

function notAcquired({ timeout }: BlockingOptions): TimeoutError {
  return new TimeoutError(`the lock was not free within ${timeout} ms`)
}

/** One `runExclusive`; those inside each other have the same id. */
interface ExclusiveContext {
  readonly id: number
  isOpen: boolean
}

/** By the object that holds the lock at the server. */
const openContexts = new AsyncLocalStorage<ReadonlyMap<object, ExclusiveContext>>()
let lastId = 0

/** The `runExclusive` that calls of the proxy come from now. */
export function contextsOf(proxy: BaseProxy): Contexts {
  const { holder } = parts(proxy)
  const open = openContexts.getStore()
  if (open === undefined) return 0
  const own = open.get(holder)
  const ids = [own?.isOpen ? own.id : 0]
  for (const { id, isOpen } of open.values()) if (isOpen && id !== ids[0]) ids.push(id)
  return ids.length === 1 ? ids[0] : ids
}

/** As with the RLock of shared memory, the holder is a process, and inside it what `runExclusive` runs. */
export class NestingProxy extends ExclusiveProxy {
  override async runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    const context = this.#openContext()
    try {
      return await this.#runIn(context, () => super.runExclusive(fn, options))
    } finally {
      context.isOpen = false
    }
  }

  override runExclusiveSync<R>(fn: () => R, options?: BlockingOptions): R {
    const context = this.#openContext()
    try {
      return this.#runIn(context, () => super.runExclusiveSync(fn, options))
    } finally {
      context.isOpen = false
    }
  }

  #openContext(): ExclusiveContext {
    const outer = ownContext(contextsOf(this))
    if (outer === 0) lastId = (lastId % 0x7fffffff) + 1
    return { id: outer === 0 ? lastId : outer, isOpen: true }
  }

  #runIn<R>(context: ExclusiveContext, run: () => R): R {
    return openContexts.run(new Map(openContexts.getStore()).set(parts(this).holder, context), run)
  }
}

export class WaitingProxy extends NestingProxy {
  async waitFor<R>(predicate: () => R, options: WaitOptions = {}): Promise<R> {
    return waitFor(this as unknown as Lockable, predicate, options)
  }

  waitForSync<R>(predicate: () => R, options: BlockingOptions = {}): R {
    return waitForSync(this as unknown as Lockable, predicate, options)
  }
}
