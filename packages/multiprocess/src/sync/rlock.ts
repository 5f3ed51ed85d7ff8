/**
 * A lock that its holder may take again: Python's `multiprocessing.RLock`. The holder is a process, and inside it what
 * `runExclusive` runs: two tasks of one event loop exclude each other.
 *
 *     HOLDER, TURN, UNUSED   as in lock.ts
 *     COUNT                  how often the holder has it
 *     CONTEXT                which `runExclusive` of the holder has it; 0: none
 *
 * COUNT and CONTEXT are written by the holder alone, after HOLDER when it takes the lock: nobody else asks for them.
 *
 * A `runExclusive` inside another one is of that one's context. What outlives its `runExclusive` is of none: it excludes, and
 * is excluded by, all others.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { ValueError } from '../errors.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import { inspectAs } from '../ground/inspect.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import { inside, Lock, type Outcome } from './lock.ts'
import { FLAG, type Turn } from './turns.ts'

const COUNT = 3
const CONTEXT = 4

/** One `runExclusive`. */
interface Context {
  /** The same for those inside each other. */
  readonly id: number
  isOpen: boolean
}

const contexts = new AsyncLocalStorage<ReadonlyMap<RLock, Context>>()
let lastId = 0

function openContext(lock: RLock): Context {
  const outer = contexts.getStore()?.get(lock)
  if (outer?.isOpen) return { id: outer.id, isOpen: true }
  lastId = (lastId % 0x7fffffff) + 1
  return { id: lastId, isOpen: true }
}

function runIn<R>(lock: RLock, context: Context, run: () => R): R {
  return contexts.run(new Map(contexts.getStore()).set(lock, context), run)
}

export class RLock extends Lock {
  protected static override readonly size: number = 20

  static {
    inspectAs(RLock, lock => {
      const count = lock.words[lock.index + COUNT]
      const line = inside.lineOf(lock)
      return line === 'free' ? line : `${line}, count: ${count}`
    })
  }

  override acquireSync(options?: { timeout?: number }): boolean {
    return (options === undefined && this.tryAtOnce()) || this.acquireBlocking(options)
  }

  /** @throws ValueError when this process, or this `runExclusive` of it, does not hold the lock */
  override release(): void {
    if (!this.isMine()) throw new ValueError('cannot release an RLock that the caller does not hold')
    if (--this.words[this.index + COUNT] > 0) return
    this.wakeNext(this.on.and(this.at, FLAG))
  }

  override async runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    const context = openContext(this)
    try {
      return await runIn(this, context, () => super.runExclusive(fn, options))
    } finally {
      context.isOpen = false
    }
  }

  override runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    // Also when the process holds it by `acquire`: nobody could release it while this waits.
    if (this.isMine()) return super.runExclusiveSync(fn, options)
    const context = openContext(this)
    try {
      return runIn(this, context, () => super.runExclusiveSync(fn, options))
    } finally {
      context.isOpen = false
    }
  }

  protected override releaseAll(): number {
    const count = this.words[this.index + COUNT]
    this.words[this.index + COUNT] = 1
    this.release()
    return count
  }

  /** Others of this process may hold it as well: what they have taken is theirs to release. */
  protected override restore(count: number): void {
    this.words[this.index + COUNT] += count - 1
  }

  protected override isMine(): boolean {
    return super.isMine() && this.words[this.index + CONTEXT] === this.#context
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
    this.words[this.index + CONTEXT] = this.#context
  }

  get #context(): number {
    // Asking the store takes longer than all the rest.
    if (lastId === 0) return 0
    const context = contexts.getStore()?.get(this)
    return context?.isOpen ? context.id : 0
  }
}
