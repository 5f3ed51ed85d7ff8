/**
 * Those who wait for a decision of others, in the order they came: each has a node of its own to sleep on, so that who is
 * chosen is woken, and nobody else.
 *
 *     HEAD, TAIL       of the list: nodes, in units of 64 bytes. HEAD is the LIST of its object's block, so that what is left goes
 *                      with that; TAIL stands in the block
 *     NEXT | OWNER | STATE   of a node: WAITING → what was decided, by compare-and-exchange
 *
 * The list is changed under a lock of its object; STATE by anyone: who waits leaves with LEFT, unless it was decided upon
 * first. A death between two steps leaves a list that can be walked (links change by one store each), at most with a TAIL
 * that is not the last; nodes of the dead are taken out by who meets them.
 */

import { WINDOW_BYTES } from '../ground/arena/layout.ts'
import { LISTED_OWNER } from '../ground/arena/process-table.ts' // lazy
import type { Family } from '../ground/family.ts'
import { type Handle, wordsOf } from '../memory/shared-object.ts'
import { isGone } from './turns.ts'
import { WaitWord } from './waiting.ts'

const UNIT = 64
const NEXT = 0
const OWNER = 4
const STATE = 8
const NODE_BYTES = 12

export const WAITING = 1
const LEFT = 2
/** Decisions are numbers from here on. */
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

  /** @param tail which word of the object's block is TAIL @param subject of the waits, for reports */
  constructor(handle: Handle, tail: number, subject?: string) {
    const { family, at } = handle
    const { words, index } = wordsOf(handle)

    this.#family = family
    this.#words = words
    this.#head = family.memory.indexOf(family.shared.listOf(at))
    this.#tail = index + tail
    this.#subject = subject
  }

  /** Under the lock. */
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

  /** The decision, or undefined while there is none. */
  decision({ word }: Waiter): number | undefined {
    const state = word.load()
    return state >= FIRST_DECISION ? state : undefined
  }

  /** Waits no longer. @returns the decision, if one came first */
  leave({ word }: Waiter): number | undefined {
    const state = Atomics.compareExchange(word.words, word.index, WAITING, LEFT)
    return state >= FIRST_DECISION ? state : undefined
  }

  /** Under the lock: takes the waiter's node out. */
  remove({ node }: Waiter): void {
    this.#walk(other => other === node)
  }

  /**
   * Under the lock: decides upon up to `count` of those who wait, the first that came first, and wakes them. One that is chosen
   * before others is looked at closely: a dead one would take the decision with it.
   * @returns how many
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

  /** Under the lock: whether a process died while it waited here. Its node is taken out. */
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

  /** Takes out, and frees, the nodes for which `isDone` answers true. */
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
