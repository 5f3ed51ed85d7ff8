/**
 * A list of waiters that wait for a decision of others, in the order of their arrival. Each waiter sleeps on a node of its own, so that
 * only the chosen waiters are woken.
 *
 *     HEAD, TAIL       the first and the last node, in units of 64 bytes. HEAD is the LIST of the object's block, so that the nodes are
 *                      freed with the block; TAIL is in the block
 *     NEXT | OWNER | STATE   of a node: WAITING → the decision, by compare-and-exchange
 *
 * The list changes under a lock of its object. Any process may change STATE: a waiter leaves with LEFT, unless a decision came first. A
 * death between two steps leaves a list that can be walked (each link changes by one store), at worst with a TAIL that is not the last
 * node. A process that meets the node of a dead process takes it out.
 */

import { UNIT, WINDOW_BYTES } from '../ground/arena/layout.ts'
import { LISTED_OWNER } from '../ground/arena/process-table.ts' // lazy
import type { Family } from '../ground/family.ts'
import { type Handle, wordsOf } from '../memory/shared-object.ts'
import { isGone } from './turns.ts'
import { WaitWord } from './waiting.ts'

const NEXT = 0
const OWNER = 4
const STATE = 8
const NODE_BYTES = 12

export const WAITING = 1
const LEFT = 2
/** The least number of a decision. */
export const FIRST_DECISION = 3

export interface Waiter {
  readonly node: number
  readonly word: WaitWord
}

export class WaitList {
  readonly #family: Family
  readonly #words: Int32Array
  readonly #head: number
  readonly #tail: number
  readonly #subject: string | undefined

  /** @param tail the index of TAIL in the object's block @param subject the waits' subject in reports */
  constructor(handle: Handle, tail: number, subject?: string) {
    const { family, at } = handle
    const { words, index } = wordsOf(handle)

    this.#family = family
    this.#words = words
    this.#head = family.memory.indexOf(family.shared.listOf(at))
    this.#tail = index + tail
    this.#subject = subject
  }

  /** Adds a waiter. To be called under the lock. */
  append(): Waiter {
    const { arena, memory, self } = this.#family
    const node = arena.allocate(NODE_BYTES, LISTED_OWNER)
    memory.set(node + NEXT, 0)
    memory.set(node + OWNER, self)
    memory.set(node + STATE, WAITING)
    let last = this.#words[this.#tail]
    if (this.#words[this.#head] === 0) {
      this.#words[this.#head] = node / UNIT
    } else {
      if (last === 0) last = this.#words[this.#head]
      while (memory.get(last * UNIT + NEXT) !== 0) last = memory.get(last * UNIT + NEXT)
      memory.set(last * UNIT + NEXT, node / UNIT)
    }
    this.#words[this.#tail] = node / UNIT
    return { node, word: new WaitWord(this.#family, node + STATE, undefined, this.#subject) }
  }

  /** Returns the decision; undefined: none so far. */
  decision({ word }: Waiter): number | undefined {
    const state = word.load()
    return state >= FIRST_DECISION ? state : undefined
  }

  /** Stops waiting. @returns the decision, if one came first */
  leave({ word }: Waiter): number | undefined {
    const state = Atomics.compareExchange(word.words, word.index, WAITING, LEFT)
    return state >= FIRST_DECISION ? state : undefined
  }

  /** Takes the waiter's node out. To be called under the lock. */
  remove({ node }: Waiter): void {
    this.#walk(other => other === node)
  }

  /**
   * Decides upon up to `count` waiters, those first that came first, and wakes them. To be called under the lock. It looks closely at
   * a waiter that is chosen before others: a dead one would take the decision with it.
   * @returns the number of waiters that it decided upon
   */
  decide(decision: number, count = Number.POSITIVE_INFINITY): number {
    let decided = 0
    if (count > 0) {
      this.#walk(node => {
        const isChosen = decided < count && this.#family.memory.get(node + STATE) === WAITING
        if (this.#isGone(node, isChosen && count !== Number.POSITIVE_INFINITY)) return true
        if (isChosen && this.#exchange(node, WAITING, decision)) {
          decided++
          new WaitWord(this.#family, node + STATE).wake(1)
        }
        return false
      })
    }
    return decided
  }

  /** Returns true if a process died while it waited here, and takes its node out. To be called under the lock. */
  hasDead(): boolean {
    let isAny = false
    this.#walk(node => {
      const isWaiting = this.#family.memory.get(node + STATE) === WAITING
      const isDead = this.#isGone(node, isWaiting)
      isAny ||= isDead && isWaiting
      return isDead
    })
    return isAny
  }

  #isGone(node: number, looksClosely: boolean): boolean {
    const owner = this.#family.memory.get(node + OWNER)
    return owner !== this.#family.self && isGone(this.#family, owner, looksClosely)
  }

  #exchange(node: number, from: number, to: number): boolean {
    const { words } = this.#family.memory.windowOf(node)
    return Atomics.compareExchange(words, ((node + STATE) % WINDOW_BYTES) >> 2, from, to) === from
  }

  /** Takes out and frees the nodes for which `isDone` returns true. */
  #walk(isDone: (node: number) => boolean): void {
    const { memory, arena } = this.#family
    let previous = 0
    let unit = this.#words[this.#head]
    while (unit !== 0) {
      const node = unit * UNIT
      const next = memory.get(node + NEXT)
      if (isDone(node)) {
        if (this.#words[this.#tail] === unit) this.#words[this.#tail] = previous
        if (previous === 0) this.#words[this.#head] = next
        else memory.set(previous * UNIT + NEXT, next)
        arena.free(node)
      } else {
        previous = unit
      }
      unit = next
    }
  }
}
