/** The locks, semaphores and conditions of a server. What a client holds when it dies goes to the next client. */
import { checkInteger } from '../../checks.ts'
import { OwnerDiedError, ValueError } from '../../errors.ts'
import { Cancelled, currentCall } from '../protocol/call.ts'
import { type Contexts, isInside, ownContext } from '../protocol/nesting.ts'
import type { Holding, Peer } from '../protocol/peer.ts'
import type { ConditionMethods, LockMethods, SemaphoreMethods } from './lock-methods.ts'
import { WaitLine } from './wait-line.ts'

/** The holder of a lock: a client, and inside the client one of its `runExclusive` (0 for none). */
interface Holder {
  readonly peer: Peer
  readonly context: number
  count: number
}

/** What a Condition needs of its lock. */
export interface Lockable {
  /** Returns true if the caller holds the lock. */
  isHeldBy(peer: Peer, contexts: Contexts): boolean
  /** Releases the lock completely. Returns its holder, and how often it was held. */
  releaseAll(): Holder | undefined
  /** Takes the lock again, however long that takes. @throws OwnerDiedError if it is taken from a dead client */
  restore(holder: Holder): Promise<void>
}

type Returning = { grant(isFromDead: boolean): void }

/** A lock that any client may release. */
export class LockObject implements Holding, Lockable, LockMethods {
  protected holder: Holder | undefined
  /** True if the client that held the lock has died, and no client has taken the lock since. */
  #isOwnerDead = false
  readonly #line = new WaitLine<boolean, Holder>()
  /** The calls that return from a condition: they cannot be cancelled, and go first. */
  readonly #returning: Returning[] = []

  /**
   * Returns true once the caller holds the lock, or false if the timeout expires first.
   * @throws OwnerDiedError if the client that held the lock died: the caller holds the lock now
   */
  acquire(timeout = Number.POSITIVE_INFINITY): boolean | Promise<boolean> {
    const { peer, contexts } = currentCall()
    if (this.mayEnterAgain(peer, contexts)) return true
    const caller = { peer, context: ownContext(contexts), count: 1 }
    if (this.holder === undefined) {
      this.#take(caller)
      this.#throwIfFromDead()
      return true
    }
    if (timeout === 0) return false
    return this.#line.wait(timeout, () => false, caller)
  }

  /** @throws ValueError if no client holds the lock */
  release(): void {
    if (this.holder === undefined && !this.#isOwnerDead) {
      throw new ValueError('cannot release the lock: no process holds it')
    }
    const { peer, contexts } = currentCall()
    this.checkRelease(peer, contexts)
    this.leave()
  }

  locked(): boolean {
    return this.holder !== undefined || this.#isOwnerDead
  }

  isHeldBy(_peer: Peer, _contexts: Contexts): boolean {
    return this.holder !== undefined
  }

  releaseAll(): Holder | undefined {
    const { holder } = this
    this.#pass()
    return holder
  }

  restore(holder: Holder): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = (isFromDead: boolean) => {
        if (holder.peer.isGone) {
          this.#isOwnerDead ||= isFromDead
          this.#pass()
          reject(new Cancelled())
          return
        }
        this.#take(holder)
        if (isFromDead) reject(new OwnerDiedError())
        else resolve()
      }
      if (this.holder !== undefined) this.#returning.push({ grant })
      else grant(this.#wasFromDead())
    })
  }

  ownerGone(peer: Peer): void {
    if (this.holder?.peer !== peer) return
    this.#isOwnerDead = true
    this.#pass()
  }

  protected mayEnterAgain(_peer: Peer, _contexts: Contexts): boolean {
    return false
  }

  protected checkRelease(_peer: Peer, _contexts: Contexts): void {}

  /** Releases the lock once. */
  protected leave(): void {
    this.#isOwnerDead = false
    this.#pass()
  }

  #take(holder: Holder): void {
    this.holder = holder
    holder.peer.holdings.add(this)
  }

  /** Passes the free lock to the next call. */
  #pass(): void {
    this.holder?.peer.holdings.delete(this)
    this.holder = undefined
    const returning = this.#returning.shift()
    if (returning !== undefined) {
      returning.grant(this.#wasFromDead())
      return
    }
    const next = this.#line.first
    if (next === undefined) return
    this.#take(next.detail)
    next.settle(() => {
      this.#throwIfFromDead()
      return true
    })
  }

  #wasFromDead(): boolean {
    const was = this.#isOwnerDead
    this.#isOwnerDead = false
    return was
  }

  #throwIfFromDead(): void {
    if (this.#wasFromDead()) throw new OwnerDiedError()
  }
}

/** A lock that its holder may take again, and that only the holder may release. */
export class RLockObject extends LockObject {
  override isHeldBy(peer: Peer, contexts: Contexts): boolean {
    return this.holder?.peer === peer && isInside(contexts, this.holder.context)
  }

  protected override mayEnterAgain(peer: Peer, contexts: Contexts): boolean {
    if (!this.isHeldBy(peer, contexts)) return false
    ;(this.holder as Holder).count++
    return true
  }

  protected override checkRelease(peer: Peer, contexts: Contexts): void {
    if (!this.isHeldBy(peer, contexts)) throw new ValueError('cannot release the RLock: the caller does not hold it')
  }

  protected override leave(): void {
    if (this.holder !== undefined && --this.holder.count > 0) return
    super.leave()
  }
}

/** A semaphore. What a client had acquired when it died stays acquired, as in Python, because another client may release it. */
export class SemaphoreObject implements SemaphoreMethods {
  protected count: number
  protected readonly line = new WaitLine<boolean, Peer>()

  /** @throws TypeError if `value` is not a number, ValueError if it is not an integer of 0 or more */
  constructor(value = 1) {
    this.count = checkInteger('value', value, 0)
  }

  acquire(timeout = Number.POSITIVE_INFINITY): boolean | Promise<boolean> {
    const { peer } = currentCall()
    if (this.count > 0) {
      this.count--
      this.taken(peer)
      return true
    }
    if (timeout === 0) return false
    return this.line.wait(timeout, () => false, peer)
  }

  release(): void {
    this.given(currentCall().peer)
    this.pass()
  }

  locked(): boolean {
    return this.count === 0
  }

  value(): number {
    return this.count
  }

  /** Passes one acquisition to the next call, or counts it. */
  protected pass(): void {
    const next = this.line.first
    if (next === undefined) {
      this.count++
      return
    }
    this.taken(next.detail)
    next.settle(() => this.granted())
  }

  protected granted(): boolean {
    return true
  }

  protected taken(_peer: Peer): void {}

  protected given(_peer: Peer): void {}
}

/**
 * A bounded semaphore. Each acquisition is released in turn, so what a dead client had acquired is given back, and the next clients learn
 * of it.
 */
export class BoundedSemaphoreObject extends SemaphoreObject implements Holding {
  readonly #taken = new Map<Peer, number>()
  /** The number of acquisitions that were given back for dead clients, and not made since. */
  #fromDead = 0

  override acquire(timeout?: number): boolean | Promise<boolean> {
    const acquired = super.acquire(timeout)
    return acquired === true ? this.granted() : acquired
  }

  ownerGone(peer: Peer): void {
    const count = this.#taken.get(peer) ?? 0
    this.#taken.delete(peer)
    for (let i = 0; i < count; i++) {
      this.#fromDead++
      this.pass()
    }
  }

  protected override granted(): boolean {
    if (this.#fromDead === 0) return true
    this.#fromDead--
    throw new OwnerDiedError()
  }

  protected override taken(peer: Peer): void {
    this.#taken.set(peer, (this.#taken.get(peer) ?? 0) + 1)
    peer.holdings.add(this)
  }

  protected override given(peer: Peer): void {
    if (this.#taken.size === 0) {
      throw new ValueError(
        `cannot release the semaphore: it was released more often than acquired, and its value is ${this.count}`
      )
    }
    const holder = this.#taken.has(peer) ? peer : [...this.#taken.keys()][0]
    const left = (this.#taken.get(holder) as number) - 1
    if (left > 0) {
      this.#taken.set(holder, left)
      return
    }
    this.#taken.delete(holder)
    holder.holdings.delete(this)
  }
}

/** A condition: waits for a notification, and releases its lock meanwhile. */
export class ConditionObject implements ConditionMethods {
  readonly #lock: LockObject
  readonly #line = new WaitLine<boolean>()

  constructor(lock: LockObject = new RLockObject()) {
    this.#lock = lock
  }

  acquire(timeout?: number): boolean | Promise<boolean> {
    return this.#lock.acquire(timeout)
  }

  release(): void {
    this.#lock.release()
  }

  locked(): boolean {
    return this.#lock.locked()
  }

  /**
   * Waits until notified, and releases the lock meanwhile. Returns false if the timeout expires first. @throws ValueError if the caller
   * does not hold the lock
   */
  async wait(timeout = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { peer } = currentCall()
    this.#check('wait for')
    const waiting = this.#line.wait(timeout, () => false, undefined)
    const { context, count } = this.#lock.releaseAll() as Holder
    try {
      return await waiting
    } finally {
      await this.#lock.restore({ peer, context, count })
    }
  }

  /** Wakes up to `count` waiting clients. @throws ValueError if the caller does not hold the lock */
  notify(count = 1): void {
    if (count !== Number.POSITIVE_INFINITY) checkInteger('n', count, 0)
    this.#check('notify')
    for (const waiter of [...this.#line].slice(0, count)) waiter.settle(() => true)
  }

  notifyAll(): void {
    this.notify(Number.POSITIVE_INFINITY)
  }

  #check(action: string): void {
    const { peer, contexts } = currentCall()
    if (!this.#lock.isHeldBy(peer, contexts)) {
      throw new ValueError(`cannot ${action} without holding the lock of the condition`)
    }
  }
}
