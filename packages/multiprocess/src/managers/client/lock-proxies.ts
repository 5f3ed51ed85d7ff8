/** The proxies of locks: `runExclusive`, and the contexts of calls. */
import type { Awaitable } from '../../ground/awaitable.ts'
import type { WaitOptions } from '../../ground/waitable.ts'
import { ExclusiveContexts } from '../../sync/contexts.ts'
import { runExclusive, runExclusiveSync } from '../../sync/exclusive.ts'
import { waitFor, waitForSync } from '../../sync/wait-for.ts'
import type { Contexts } from '../protocol/nesting.ts'
import type { BlockingOptions } from './proxied.ts'
import { BaseProxy, insideProxy } from './proxy.ts'

const { parts } = insideProxy

/** The methods that the table defines for the proxy of a lock. */
interface Lockable {
  acquire(options?: WaitOptions): Promise<boolean>
  acquireSync(options?: BlockingOptions): boolean
  release(): Promise<void>
  releaseSync(): void
  wait(options?: WaitOptions): Promise<boolean>
  waitSync(options?: BlockingOptions): boolean
}

export class ExclusiveProxy extends BaseProxy {
  async runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    return runExclusive(this as unknown as Lockable, fn, options)
  }

  runExclusiveSync<R>(fn: () => R, options?: BlockingOptions): R {
    const lock = this as unknown as Lockable
    const blocking = {
      acquireSync: (options?: BlockingOptions) => lock.acquireSync(options),
      release: () => lock.releaseSync()
    }
    return runExclusiveSync(blocking, fn, options)
  }
}

/** The contexts, by the object that holds the lock at the server. */
const exclusive = new ExclusiveContexts<object>()

/** Returns the `runExclusive` calls that the proxy is inside of now. */
export function contextsOf(proxy: BaseProxy): Contexts {
  const own = exclusive.idOf(parts(proxy).holder)
  const others = exclusive.openIds().filter(id => id !== own)
  return others.length === 0 ? own : [own, ...others]
}

/** As with the RLock in shared memory, the holder is a process and, inside the process, a `runExclusive`. */
export class NestingProxy extends ExclusiveProxy {
  override async runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    return exclusive.run(parts(this).holder, () => super.runExclusive(fn, options))
  }

  override runExclusiveSync<R>(fn: () => R, options?: BlockingOptions): R {
    return exclusive.runSync(parts(this).holder, () => super.runExclusiveSync(fn, options))
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
