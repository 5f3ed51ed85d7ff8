/**
 * A lock that its holder may take again: Python's `multiprocessing.RLock`. The holder is a process, and inside it what
 * `runExclusive` runs: two tasks of one event loop exclude each other.
 *
 *     HOLDER, TURN   as in lock.ts
 *     COUNT          how often the holder has it
 *     CONTEXT        which `runExclusive` of the holder has it; 0: none
 *
 * COUNT and CONTEXT are written by the holder alone, after HOLDER when it takes the lock: nobody else asks for them.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { ValueError } from '../errors.ts'
import type { WaitOptions } from '../ground/waitable.ts'
import type { Awaitable } from './awaitable.ts'
import { Lock, type Outcome } from './lock.ts'
import type { Turn } from './turns.ts'

const HOLDER = 0
const COUNT = 2
const CONTEXT = 3

type Contexts = ReadonlyMap<RLock, number>

const contexts = new AsyncLocalStorage<Contexts>()
let lastContext = 0

/** Runs `run` in a context in which `lock` is taken by one holder. */
function inContext<R>(lock: RLock, run: () => R): R {
  const outer = contexts.getStore()
  if (outer?.has(lock)) return run()
  lastContext = (lastContext % 0x7fffffff) + 1
  return contexts.run(new Map(outer).set(lock, lastContext), run)
}

export class RLock extends Lock {
  protected static override readonly size: number = 16

  /** @throws ValueError when this process, or this `runExclusive` of it, does not hold the lock */
  override release(): void {
    if (!this.isMine()) throw new ValueError('cannot release an RLock that the caller does not hold')
    if (--this.words[this.index + COUNT] > 0) return
    Atomics.store(this.words, this.index + HOLDER, 0)
    this.wakeNext()
  }

  override runExclusive<R>(fn: () => Awaitable<R>, options?: WaitOptions): Promise<R> {
    return inContext(this, () => super.runExclusive(fn, options))
  }

  override runExclusiveSync<R>(fn: () => R, options?: { timeout?: number }): R {
    return inContext(this, () => super.runExclusiveSync(fn, options))
  }

  protected override releaseAll(): number {
    const count = this.words[this.index + COUNT]
    this.words[this.index + COUNT] = 1
    this.release()
    return count
  }

  protected override restore(count: number): void {
    this.words[this.index + COUNT] = count
  }

  protected override isMine(): boolean {
    return super.isMine() && this.words[this.index + CONTEXT] === this.#context
  }

  protected override tryOnce(looksClosely: boolean, turn: Turn | undefined): Outcome | undefined {
    if (this.isMine()) {
      this.words[this.index + COUNT]++
      return 'acquired'
    }
    const outcome = super.tryOnce(looksClosely, turn)
    if (outcome !== undefined) {
      this.words[this.index + COUNT] = 1
      this.words[this.index + CONTEXT] = this.#context
    }
    return outcome
  }

  get #context(): number {
    return contexts.getStore()?.get(this) ?? 0
  }
}
