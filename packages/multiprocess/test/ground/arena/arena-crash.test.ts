import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Arena } from '../../../src/ground/arena/arena.ts'
import {
  ARENA_BYTES,
  FIRST_PAGE,
  PAGE_BYTES,
  PAGE_ENTRY_BYTES,
  PAGES_AT,
  TABLE_AT,
  WINDOW_BYTES
} from '../../../src/ground/arena/layout.ts'
import { type Backing, Memory } from '../../../src/ground/arena/memory.ts'
import { KIND_SLAB } from '../../../src/ground/arena/pages.ts'
import { randomFrom } from '../../fixtures/process/ground.ts'
import { limit } from '../../fixtures/slowness.ts'

const FIRST = 1
const SECOND = 2
const THIRD = 3
/** The header, and the blocks that fit behind it. */
const COPIED_BYTES = 2 ** 26

/** Memory of this process alone, that can be copied at any moment. Nobody wakes a sleeper: each wait runs out at once. */
class Copyable implements Backing {
  readonly length = ARENA_BYTES
  readonly #first = new ArrayBuffer(COPIED_BYTES)
  readonly #buffers = new Map<number, ArrayBuffer>()

  map(offset: number): { buffer: ArrayBuffer; start: number; address: number } {
    if (offset < COPIED_BYTES) return { buffer: this.#first, start: offset, address: offset }
    const index = offset / WINDOW_BYTES
    const buffer = this.#buffers.get(index) ?? new ArrayBuffer(WINDOW_BYTES)
    this.#buffers.set(index, buffer)
    return { buffer, start: 0, address: offset }
  }

  unmap(): void {}

  wait(): 'timed-out' {
    return 'timed-out'
  }

  wake(): number {
    return 0
  }

  discard(): void {}

  /** What the allocator keeps of itself. */
  copyTo(other: Copyable): void {
    const from = new Uint8Array(this.#first)
    const to = new Uint8Array(other.#first)
    const copy = (start: number, end: number) => to.set(from.subarray(start, end), start)
    copy(0, TABLE_AT)
    copy(PAGES_AT, PAGES_AT + 2048 * PAGE_ENTRY_BYTES)
    for (let page = 2048; page < 2 ** 20; page *= 2) {
      copy(PAGES_AT + page * PAGE_ENTRY_BYTES, PAGES_AT + (page + 1) * PAGE_ENTRY_BYTES)
    }
    for (let page = FIRST_PAGE; page < COPIED_BYTES / PAGE_BYTES; page++) {
      const kind = from[PAGES_AT + page * PAGE_ENTRY_BYTES] & 0xf
      if (kind === KIND_SLAB) copy(page * PAGE_BYTES, page * PAGE_BYTES + PAGE_BYTES)
    }
  }
}

/** Calls `look` before and after each atomic store to the words while `action` runs. Between two of them stands one plain write. */
function atEachStore(words: Int32Array, look: () => void, action: () => void): void {
  const { store } = Atomics
  let isLooking = false
  const lookOnce = () => {
    if (isLooking) return
    isLooking = true
    look()
    isLooking = false
  }
  Atomics.store = ((array: Int32Array, index: number, value: number) => {
    if (array === words) lookOnce()
    store(array, index, value)
    if (array === words) lookOnce()
    return value
  }) as typeof Atomics.store
  try {
    action()
  } finally {
    Atomics.store = store
  }
}

describe('a death while the arena changes', { timeout: limit(60_000) }, () => {
  test('a death leaves all of a change or nothing of it, at whatever write it comes', () => {
    const backing = new Copyable()
    const memory = new Memory(backing)
    const arena = new Arena(memory, FIRST, () => true)
    arena.format()
    const all = arena.check().freePages
    const survivor = new Copyable()
    const heir = new Copyable()

    const random = randomFrom(3)
    const sizes = [1, 100, 1000, 5000, 16 * 1024, 20_000, PAGE_BYTES, 3 * PAGE_BYTES, 2 ** 20]
    const live = new Set<number>()
    let moments = 0
    for (let round = 0; round < 300; round++) {
      const before = new Set(live)
      const victim = random() < 0.45 ? [...live][Math.floor(random() * live.size)] : undefined
      const look = () => {
        moments++
        backing.copyTo(survivor)
        checkSurvivor(before, victim)
      }
      atEachStore(memory.first.words, look, () => {
        if (victim !== undefined) {
          arena.free(victim)
          live.delete(victim)
        } else {
          const at = arena.allocate(sizes[Math.floor(random() * sizes.length)])
          assert.ok(at < COPIED_BYTES - 2 ** 20, 'the copies hold all of the blocks')
          live.add(at)
        }
      })
    }
    assert.ok(moments > 3000, `${moments} moments`)

    /** Takes over from the first, who is dead; and dies itself at each moment of the first taking over. */
    function checkSurvivor(before: ReadonlySet<number>, victim: number | undefined): void {
      const words = new Memory(survivor)
      const second = new Arena(words, SECOND, owner => owner === SECOND)
      const inherit = () => {
        survivor.copyTo(heir)
        checkWhole(new Arena(new Memory(heir), THIRD, owner => owner === THIRD), before, victim)
      }
      inherit()
      if (moments % 10 === 0) atEachStore(words.first.words, inherit, () => second.check())
    }

    function checkWhole(arena: Arena, before: ReadonlySet<number>, victim: number | undefined): void {
      arena.check()
      const found = [...before].filter(at => arena.ownerOf(at) === FIRST).length
      const isVictimFreed = victim !== undefined && arena.ownerOf(victim) === 0
      assert.equal(found, before.size - Number(isVictimFreed), 'nothing but what was being freed is gone')
      const isNew = arena.liveBlocks - found
      assert.ok(isNew === 0 || (isNew === 1 && victim === undefined), `${isNew} blocks more than there were`)
      arena.freeAllOf(FIRST)
      assert.equal(arena.liveBlocks, 0, 'all that the dead one had can be given back')
      const { freePages } = arena.check()
      assert.ok(freePages >= all - 9, 'at most one slab of each size stays')
      const again = [64, 5000, PAGE_BYTES, 2 ** 20].map(size => arena.allocate(size))
      for (const at of again) arena.free(at)
      assert.equal(arena.liveBlocks, 0)
    }
  })

  test('an error within a change takes the change back', () => {
    const memory = new Memory(new Copyable())
    const arena = new Arena(memory, FIRST, () => true)
    arena.format()
    const { freePages } = arena.check()
    assert.throws(() => arena.allocate(2 ** 40), /no room/)
    assert.throws(() => arena.free(2 ** 26), /no block/)
    assert.deepEqual(arena.check(), { freePages, usedPages: 0 })
    assert.equal(arena.liveBlocks, 0)
  })
})
