import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ARENA_BYTES } from '../../../src/ground/arena/layout.ts'
import { currentFamily } from '../../../src/ground/family.ts'
import { Process } from '../../../src/index.ts'
import { randomFrom, residentBytes } from '../../fixtures/process/ground.ts'
import { viewTooLong } from '../../fixtures/process/ground-targets.ts'
import { limit } from '../../fixtures/slowness.ts'

const KIB = 2 ** 10
const MIB = 2 ** 20
/** What the allocator may keep for the next one who asks. */
const KEPT = 64 * MIB
/** The page table, and a slab of each size. */
const SLACK = 8 * MIB

const { arena, memory } = currentFamily()

/** Touches each page of memory of a block. */
function touch(at: number, size: number): void {
  memory.withBytes(at, size, (bytes, start) => {
    for (let offset = 0; offset < size; offset += 4096) bytes[start + offset] = 1
  })
}

const orders = {
  'in their order': (blocks: number[]) => blocks,
  'from the last to the first': (blocks: number[]) => blocks.toReversed(),
  'in any order': (blocks: number[]) => {
    const random = randomFrom(7)
    return blocks
      .map(at => ({ at, key: random() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ at }) => at)
  }
}

const plans = [
  { total: 1024 * MIB, size: 64 * MIB },
  { total: 192 * MIB, size: MIB },
  { total: 192 * MIB, size: 64 * KIB },
  { total: 192 * MIB, size: 8 * KIB }
]

describe('the memory behind freed blocks goes back to the system', { timeout: limit(60_000) }, () => {
  for (const { total, size } of plans) {
    for (const [name, inOrder] of Object.entries(orders)) {
      test(`${total / MIB} MiB in blocks of ${size / KIB} KiB, freed ${name}, go back to the system`, () => {
        const blocks = Array.from({ length: total / size }, () => arena.allocate(size))
        for (const at of blocks) touch(at, size)
        assert.ok(residentBytes() >= total, `${residentBytes() / MIB} MiB are there while in use`)
        for (const at of inOrder(blocks)) arena.free(at)
        const stays = residentBytes()
        assert.ok(stays <= KEPT + SLACK, `${stays / MIB} MiB stay`)
        arena.check()
      })
    }
  }

  test('memory goes back to the system even if other blocks stay', () => {
    const random = randomFrom(11)
    const blocks: { at: number; size: number }[] = []
    for (let round = 0; round < 300; round++) {
      const size = Math.ceil(64 * KIB * 32 ** random())
      const at = arena.allocate(size)
      touch(at, size)
      blocks.push({ at, size })
    }
    const staying = blocks.filter((_, index) => index % 10 === 0)
    for (const block of blocks) if (!staying.includes(block)) arena.free(block.at)
    const stay = staying.reduce((sum, { size }) => sum + 64 * KIB * 2 ** Math.ceil(Math.log2(size / (64 * KIB))), 0)
    assert.ok(residentBytes() <= KEPT + stay + SLACK, `${residentBytes() / MIB} MiB stay`)
    for (const { at } of staying) arena.free(at)
    arena.check()
  })

  test('reading past a freed block of several MiB that was allocated again shows the new block', () => {
    const at = arena.allocate(128 * MIB)
    touch(at, 128 * MIB)
    arena.free(at)
    const again = arena.allocate(128 * MIB)
    memory.withBytes(again, 128 * MIB, (bytes, start) => assert.equal(bytes[start], 0))
    arena.free(again)
  })

  test('bytes outside of the arena are refused', () => {
    for (const [at, length] of [
      [-64, 1],
      [ARENA_BYTES, 1],
      [ARENA_BYTES - 64, 65]
    ]) {
      assert.throws(() => memory.withBytes(at, length, () => {}), RangeError)
    }
  })

  test('a view longer than 4 GiB, which aborts Node 20, is refused', async () => {
    const child = new Process({ target: viewTooLong, args: [4 * 2 ** 30 + 1] })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
  })
})
