/**
 * A lock that its holder may acquire again: Python's `multiprocessing.RLock`. The holder is a process, and in the process one
 * `runExclusive`: two tasks of one event loop exclude each other.
 *
 *     HOLDER, TURN, UNUSED   as in lock.ts
 *     COUNT                  the number of times that the holder has acquired it
 *     CONTEXT                the `runExclusive` of the holder that has it; 0: none
 *
 * Only the holder writes COUNT and CONTEXT, after HOLDER when it acquires the lock, and only the holder reads them.
 *
 * A `runExclusive` inside another has the other's context. Code that outlives its `runExclusive` has no context: it excludes all others,
 * and all others exclude it.
 */
import { ValueError } from '../errors.ts'
import type { BlockKind } from '../ground/arena/block-kinds.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import { inspectAs } from '../ground/inspect.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import { ExclusiveContexts } from './contexts.ts'
import { insideLock, Lock, type Outcome } from './lock.ts'
import { FLAG, type Turn } from './turns.ts'

const COUNT = 3
const CONTEXT = 4

const contexts = new ExclusiveContexts<RLock>()

/**
 * A lock that its holder (a process, or a `runExclusive` in it) may acquire again; only the holder releases it, as often as it was
 * acquired. See Python's `multiprocessing.RLock`.
 * @example
 * import { RLock } from 'multiprocess'
 *
 * const lock = new RLock()
 * await lock.runExclusive(() => lock.runExclusive(() => console.log('inside'))) // inside
 */
export class RLock extends Lock {
  protected static override readonly size: number = 20
  protected static override readonly kind: BlockKind = 'RLock'

  static {
    inspectAs(RLock, lock => {
      const count = lock.words[lock.index + COUNT]
      const line = insideLock.lineOf(lock)
      return line === 'free' ? line : `${line}, count: ${count}`
    })
  }

  /** Does the same as `acquire`, and blocks the thread. @param options.timeout milliseconds. Default: Infinity */
  override acquireSync(options?: { timeout?: number }): boolean {
    return (options === undefined && this.tryAtOnce()) || this.acquireBlocking(options)
  }

  /** @throws ValueError if this process, or the `runExclusive` that the caller is in, does not hold the lock */
  override release(): void {
    if (!this.isMine()) throw new ValueError('cannot release the RLock: the caller does not hold it')
    if (--this.words[this.index + COUNT] > 0) return
    this.wakeNext(this.on.and(this.at, FLAG))
  }

  /** Does the same as `Lock.runExclusive`. In `fn`, the caller holds the lock, and may acquire it again. */
  override runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    return contexts.run(this, () => super.runExclusive(fn, options))
  }

  /** Does the same and blocks the thread while it waits. @throws TypeError if `fn` is async */
  override runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    // This includes a lock that the process acquired by `acquire`: no code could release it while this call waits.
    if (this.isMine()) return super.runExclusiveSync(fn, options)
    return contexts.runSync(this, () => super.runExclusiveSync(fn, options))
  }

  protected override releaseAll(): number {
    const count = this.words[this.index + COUNT]
    this.words[this.index + COUNT] = 1
    this.release()
    return count
  }

  /** Adds to the count, since other code of this process may hold the lock, too, and releases what it has acquired. */
  protected override restore(count: number): void {
    this.words[this.index + COUNT] += count - 1
  }

  protected override isMine(): boolean {
    return super.isMine() && this.words[this.index + CONTEXT] === contexts.idOf(this)
  }

  protected override tryAtOnce(): boolean {
    if (super.tryAtOnce()) this.#begin()
    else if (this.isMine()) this.words[this.index + COUNT]++
    else return false
    return true
  }

  protected override tryOnce(turn: Turn, looksClosely: boolean): Outcome | undefined {
    if (this.isMine()) {
      this.words[this.index + COUNT]++
      return 'acquired'
    }
    const outcome = super.tryOnce(turn, looksClosely)
    if (outcome !== undefined) this.#begin()
    return outcome
  }

  #begin(): void {
    this.words[this.index + COUNT] = 1
    this.words[this.index + CONTEXT] = contexts.idOf(this)
  }
}
