import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { PAGE_BYTES, WINDOW_BYTES } from '../../../src/ground/arena/layout.ts'
import { currentFamily } from '../../../src/ground/family.ts'
import { MultiprocessError, Process } from '../../../src/index.ts'
import { randomFrom, SharedWords } from '../../fixtures/process/ground.ts'
import { leaveBlocks, storm, sumBlock } from '../../fixtures/process/ground-targets.ts'
import { until } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const MIB = 2 ** 20
const { arena, memory, self } = currentFamily()

describe('blocks of the arena', { timeout: limit(60_000) }, () => {
  test('several processes allocate and free blocks at once, from 1 byte to 200 MB', async () => {
    const before = arena.liveBlocks
    const children = [1, 2].map(seed => new Process({ target: storm, args: [{ seed, rounds: 4000, largest: 200e6 }] }))
    for (const child of children) child.start()
    storm({ seed: 3, rounds: 4000, largest: 200e6 })
    await Promise.all(children.map(child => child.join()))
    assert.deepEqual(
      children.map(child => child.exitcode),
      [0, 0]
    )
    arena.check()
    assert.equal(arena.liveBlocks, before)
  })

  test('blocks of any size begin at multiples of 64, and none overlaps another', () => {
    const before = arena.liveBlocks
    const sizes = Array.from({ length: 32 }, (_, power) => [2 ** power - 1, 2 ** power, 2 ** power + 1]).flat()
    const blocks = sizes.filter(size => size > 0).map(size => ({ at: arena.allocate(size), size }))
    const inOrder = blocks.toSorted((a, b) => a.at - b.at)
    for (const [index, { at, size }] of inOrder.entries()) {
      assert.equal(at % 64, 0)
      const next = inOrder[index + 1]
      if (next !== undefined) assert.ok(at + size <= next.at, `${size} bytes at ${at} run into those at ${next.at}`)
    }
    arena.check()
    for (const { at } of blocks) arena.free(at)
    arena.check()
    assert.equal(arena.liveBlocks, before)
  })

  test('a block longer than a window of the mapping is whole in another process', async () => {
    const size = WINDOW_BYTES + 12_345
    using sum = new SharedWords(1)
    const at = arena.allocate(size)
    memory.withBytes(at, size, (bytes, start) => {
      bytes.fill(0, start, start + size)
      for (let index = 0; index < size; index += 4096) bytes[start + index] = index / 4096
      bytes[start + size - 1] = 99
    })
    const child = new Process({ target: sumBlock, args: [at, size, sum.at] })
    child.start()
    let expected = 99
    for (let index = 0; index < size; index += 4096) expected += (index / 4096) & 0xff
    await child.join()
    arena.free(at)
    assert.equal(child.exitcode, 0)
    assert.equal(sum.words[0], expected)
  })

  test('a block can be freed once: again, in the middle, or where there is none, is an error and changes nothing', () => {
    const sizes = [1, 64, 100, 16 * 1024, 16 * 1024 + 1, PAGE_BYTES, 3 * PAGE_BYTES, 80 * MIB]
    // One neighbour of each size stays, so that slabs and runs stay too.
    const neighbours = sizes.map(size => arena.allocate(size))
    const before = arena.liveBlocks
    for (const size of sizes) {
      const at = arena.allocate(size)
      const other = arena.allocate(size)
      const middle = at + Math.max(1, Math.floor(size / 2))
      assert.throws(() => arena.free(middle), /no block in use begins at/, `in the middle of ${size} bytes`)
      arena.free(at)
      assert.throws(() => arena.free(at), /no block in use begins at/, `${size} bytes twice`)
      assert.equal(arena.ownerOf(at), 0)
      assert.equal(arena.ownerOf(other), self)
      arena.free(other)
    }
    for (const at of [0, 1, 64, PAGE_BYTES, -64, 2 ** 36 - PAGE_BYTES]) {
      assert.throws(() => arena.free(at), /no block in use begins at/, `at ${at}`)
    }
    assert.equal(arena.liveBlocks, before)
    for (const at of neighbours) arena.free(at)
    arena.check()
  })

  test('allocating and freeing one object again and again does not make the arena grow', () => {
    const { usedPages } = arena.check()
    for (const size of [64, 4096, 16 * 1024, PAGE_BYTES]) {
      for (let round = 0; round < 1000; round++) arena.free(arena.allocate(size))
    }
    // A slab of each of the three small sizes may stay.
    assert.ok(arena.check().usedPages <= usedPages + 3)
  })

  test('a full arena refuses a block with a clear error, and has room again once a block is freed', () => {
    const isOutOfMemory = (size: number) => (error: unknown) => {
      assert.ok(error instanceof MultiprocessError)
      assert.equal(error.code, 'ERR_OUT_OF_MEMORY')
      assert.equal(error.message, `no room for ${size} bytes in the family's shared memory`)
      return true
    }
    assert.throws(() => arena.allocate(2 ** 36), isOutOfMemory(2 ** 36))
    const before = arena.liveBlocks
    const { freePages } = arena.check()
    const size = 4 * 2 ** 30
    const blocks: number[] = []
    assert.throws(() => {
      for (;;) blocks.push(arena.allocate(size))
    }, isOutOfMemory(size))
    assert.ok(blocks.length >= 12, `${blocks.length} blocks of 4 GiB`)
    arena.free(blocks.pop() as number)
    blocks.push(arena.allocate(size))
    for (const at of blocks) arena.free(at)
    assert.equal(arena.liveBlocks, before)
    assert.equal(arena.check().freePages, freePages)
  })

  test('blocks leave nothing in /dev/shm', () => {
    const at = arena.allocate(10 * MIB)
    assert.doesNotMatch(readFileSync('/proc/self/maps', 'latin1'), /\/dev\/shm/)
    assert.deepEqual(
      readdirSync('/dev/shm').filter(name => name.includes('multiprocess')),
      []
    )
    arena.free(at)
  })

  test('the blocks of a dead process are freed, except those that it gave away', async () => {
    const random = randomFrom(5)
    const sizes = Array.from({ length: 60 }, () => Math.ceil((4 * MIB) ** random()))
    using places = new SharedWords(sizes.length)
    const before = arena.liveBlocks
    const child = new Process({ target: leaveBlocks, args: [sizes, self, places.at] })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    await until(() => arena.liveBlocks === before + sizes.length / 2, 'half of the blocks are given back')
    for (const [index, size] of sizes.entries()) {
      const at = places.words[index] * 64
      if (index < sizes.length / 2) continue
      assert.equal(arena.ownerOf(at), self)
      memory.withBytes(at, size, (bytes, start) => {
        assert.ok(bytes.subarray(start, start + size).every(byte => byte === index + 1))
      })
      arena.free(at)
    }
    assert.equal(arena.liveBlocks, before)
    arena.check()
  })
})
