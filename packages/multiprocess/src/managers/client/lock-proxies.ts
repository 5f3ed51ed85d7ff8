/** Proxies of locks and the like: they run functions while they hold them. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { OwnerDiedError, TimeoutError } from '../../errors.ts'
import { timeoutOf, type WaitOptions } from '../../ground/waitable.ts'
import type { Awaitable } from '../../process/target.ts'
import { checkFunction, checkSyncFunction } from '../../sync/exclusive.ts'
import { waitFor, waitForSync } from '../../sync/wait-for.ts'
import { type Kind, METHODS } from '../protocol/methods.ts'
import { type Contexts, ownContext } from '../protocol/nesting.ts'
import { BaseProxy, insideProxy, type ProxyParts } from './proxy.ts'

const { call, callSync, parts } = insideProxy

abstract class WaitingProxy extends BaseProxy {
  readonly #kind: Kind

  constructor(made: ProxyParts) {
    super(made)
    this.#kind = made.type.kind as Kind
  }

  protected send(name: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    return call(this, this.#number(name), args, signal)
  }

  protected sendSync(name: string, args: readonly unknown[]): unknown {
    return callSync(this, this.#number(name), args)
  }

  #number(name: string): number {
    return (METHODS[this.#kind] as readonly string[]).indexOf(name)
  }
}

export class EventProxy extends WaitingProxy {
  async wait(options?: WaitOptions): Promise<unknown> {
    return this.send('wait', [timeoutOf(options)], options?.signal)
  }

  waitSync(options?: WaitOptions): unknown {
    return this.sendSync('wait', [timeoutOf(options)])
  }
}

/** The timeout of a wait at a barrier, left out, is the barrier's own. */
export class BarrierProxy extends WaitingProxy {
  async wait(options?: WaitOptions): Promise<unknown> {
    return this.send('wait', barrierTimeout(options), options?.signal)
  }

  waitSync(options?: WaitOptions): unknown {
    return this.sendSync('wait', barrierTimeout(options))
  }
}

function barrierTimeout(options: WaitOptions | undefined): number[] {
  const timeout = timeoutOf(options)
  return options?.timeout === undefined ? [] : [timeout]
}

export class LockProxy extends WaitingProxy {
  async acquire(options?: WaitOptions): Promise<unknown> {
    return this.send('acquire', [timeoutOf(options), this.contexts], options?.signal)
  }

  acquireSync(options?: WaitOptions): unknown {
    return this.sendSync('acquire', [timeoutOf(options), this.contexts])
  }

  async release(): Promise<unknown> {
    return this.send('release', [this.contexts])
  }

  releaseSync(): unknown {
    return this.sendSync('release', [this.contexts])
  }

  /** Which `runExclusive` of this process asks. */
  protected get contexts(): Contexts {
    return 0
  }

  async runExclusive<R>(fn: () => Awaitable<R>, options: WaitOptions = {}): Promise<R> {
    checkFunction(fn)
    let isAcquired: unknown
    try {
      isAcquired = await this.acquire(options)
    } catch (error) {
      if (error instanceof OwnerDiedError) await this.release()
      throw error
    }
    if (!isAcquired) throw notAcquired(options)
    try {
      return await fn()
    } finally {
      await this.release()
    }
  }

  runExclusiveSync<R>(fn: () => R, options: { timeout?: number } = {}): R {
    checkSyncFunction(fn)
    let isAcquired: unknown
    try {
      isAcquired = this.acquireSync(options)
    } catch (error) {
      if (error instanceof OwnerDiedError) this.releaseSync()
      throw error
    }
    if (!isAcquired) throw notAcquired(options)
    try {
      return fn()
    } finally {
      this.releaseSync()
    }
  }
}

function notAcquired({ timeout }: { timeout?: number }): TimeoutError {
  return new TimeoutError(`the lock was not free within ${timeout} ms`)
}

export class SemaphoreProxy extends LockProxy {}

/** One `runExclusive`; the id is the same for those inside each other. */
interface Context {
  readonly id: number
  isOpen: boolean
}

/** By the object that holds the lock at the server. */
const openContexts = new AsyncLocalStorage<ReadonlyMap<object, Context>>()
let lastId = 0

/** As with the RLock of shared memory, the holder is a process, and inside it what `runExclusive` runs. */
export class RLockProxy extends LockProxy {
  protected override get contexts(): Contexts {
    const { holder } = parts(this)
    const open = openContexts.getStore()
    if (open === undefined) return 0
    const own = open.get(holder)
    const ids = [own?.isOpen ? own.id : 0]
    for (const { id, isOpen } of open.values()) if (isOpen && id !== ids[0]) ids.push(id)
    return ids.length === 1 ? ids[0] : ids
  }

  override async runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    const context = this.#openContext()
    try {
      return await this.#runIn(context, () => super.runExclusive(fn, options))
    } finally {
      context.isOpen = false
    }
  }

  override runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    const context = this.#openContext()
    try {
      return this.#runIn(context, () => super.runExclusiveSync(fn, options))
    } finally {
      context.isOpen = false
    }
  }

  #openContext(): Context {
    const outer = ownContext(this.contexts)
    if (outer === 0) lastId = (lastId % 0x7fffffff) + 1
    return { id: outer === 0 ? lastId : outer, isOpen: true }
  }

  #runIn<R>(context: Context, run: () => R): R {
    return openContexts.run(new Map(openContexts.getStore()).set(parts(this).holder, context), run)
  }
}

export class ConditionProxy extends RLockProxy {
  async wait(options?: WaitOptions): Promise<unknown> {
    return this.send('wait', [timeoutOf(options), this.contexts], options?.signal)
  }

  waitSync(options?: WaitOptions): unknown {
    return this.sendSync('wait', [timeoutOf(options), this.contexts])
  }

  async notify(count = 1): Promise<unknown> {
    return this.send('notify', [count, this.contexts])
  }

  notifySync(count = 1): unknown {
    return this.sendSync('notify', [count, this.contexts])
  }

  async notifyAll(): Promise<unknown> {
    return this.send('notifyAll', [this.contexts])
  }

  notifyAllSync(): unknown {
    return this.sendSync('notifyAll', [this.contexts])
  }

  /** The predicate runs here, each time that a notification comes. */
  async waitFor<R>(predicate: () => R, options: WaitOptions = {}): Promise<R> {
    return waitFor(this, predicate, options)
  }

  waitForSync<R>(predicate: () => R, options: { timeout?: number } = {}): R {
    return waitForSync(this, predicate, options)
  }
}
