/** Value, Array, RawValue, RawArray: memory that processes share. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { currentFamily } from '../src/ground/family.ts'
import { slotOf } from '../src/ground/process-table.ts'
import { SharedBlocks } from '../src/ground/shared-blocks.ts'
import {
  Lock,
  Pool,
  RawArray,
  RawValue,
  RLock,
  Semaphore,
  Array as SharedArray,
  Value,
  ValueError
} from '../src/index.ts'
import { until } from './fixtures/process/tools.ts'
import * as tasks from './fixtures/sync/tasks.ts'

const timeout = 60_000

const CODES = [
  ['c', Uint8Array, 255],
  ['u', Uint32Array, 0x10ffff],
  ['b', Int8Array, -128],
  ['B', Uint8Array, 255],
  ['h', Int16Array, -32768],
  ['H', Uint16Array, 65535],
  ['i', Int32Array, -(2 ** 31)],
  ['I', Uint32Array, 2 ** 32 - 1],
  ['l', BigInt64Array, -(2n ** 63n)],
  ['L', BigUint64Array, 2n ** 64n - 1n],
  ['q', BigInt64Array, 2n ** 63n - 1n],
  ['Q', BigUint64Array, 2n ** 64n - 1n],
  ['f', Float32Array, 1.5],
  ['d', Float64Array, -0.1]
] as const

describe('an Array', { timeout }, () => {
  for (const [code, Type, element] of CODES) {
    test(`of '${code}' is a ${Type.name} of its own length`, () => {
      const array = SharedArray(code, 3) as Uint8Array
      assert.ok(array instanceof Type)
      assert.equal(Object.prototype.toString.call(array), `[object ${Type.name}]`)
      assert.equal(array.length, 3)
      assert.equal(array.buffer.byteLength, 3 * array.BYTES_PER_ELEMENT)
      assert.equal(array.byteOffset, 0)
      assert.deepEqual([...array].map(Number), [0, 0, 0])
      const filled = SharedArray(code, [element] as never) as Uint8Array
      assert.equal(filled[0], element as number)
      assert.equal(
        Number(Value(code, element as never).value) === Number(element) || code === 'c' || code === 'u',
        true
      )
    })
  }

  test('is the same memory in other processes, under its lock', async () => {
    const array = SharedArray('i', [1, 2, 3])
    await using pool = new Pool(2)
    assert.equal(await pool.apply(tasks.fill, [array, 7]), 3)
    assert.deepEqual([...array], [7, 7, 7])
    assert.deepEqual([...array.map(n => n * 2)], [14, 14, 14])
    array[0] += 100
    const back = await pool.apply((array: Int32Array) => array, [array])
    assert.equal(back, array)
    assert.ok(array.getLock() instanceof RLock)
    assert.equal(array.getObj(), array)
    assert.equal(
      array.runExclusiveSync(() => array.getLock().locked),
      true
    )
    const lock = new Lock()
    assert.equal(SharedArray('d', 1, { lock }).getLock(), lock)
    assert.equal('getLock' in SharedArray('d', 1, { lock: false }), false)
    assert.deepEqual(await pool.apply((array: Int32Array, lock: Lock) => [array[0], lock.locked], [array, lock]), [
      107,
      false
    ])
  })

  test('of text has it as its value', () => {
    const bytes = SharedArray('c', 10)
    bytes.value = 'grüße'
    assert.equal(bytes.value, 'grüße')
    assert.equal(bytes[2], 'ü'.charCodeAt(0))
    bytes.value = 'a'
    assert.equal(bytes.value, 'a')
    assert.throws(() => {
      bytes.value = 'more than ten characters'
    }, ValueError)
    assert.throws(() => {
      bytes.value = '東'
    }, ValueError)
    assert.equal(bytes.value, 'a')
    const text = SharedArray('u', '東京😀')
    assert.equal(text.length, 3)
    assert.equal(text.value, '東京😀')
    assert.equal(RawArray('c', 'abc').value, 'abc')
  })

  test('of no length, and of 100 MB', async () => {
    assert.equal(SharedArray('i', 0).length, 0)
    const large = RawArray('B', 100_000_000)
    large[99_999_999] = 5
    await using pool = new Pool(1)
    assert.equal(await pool.apply((array: Uint8Array) => array[99_999_999]++, [large]), 5)
    assert.equal(large[99_999_999], 6)
  })

  test('refuses codes, lengths and elements that are none', () => {
    assert.throws(() => SharedArray('x' as never, 1), { name: 'ValueError', message: /no type code 'x'/ })
    assert.throws(() => SharedArray(5 as never, 1), TypeError)
    for (const length of [-1, 1.5, Number.NaN]) assert.throws(() => SharedArray('i', length), ValueError)
    assert.throws(() => SharedArray('i', null as never), TypeError)
    assert.throws(() => SharedArray('b', [1, 128]), { name: 'ValueError', message: /element 1 .* -128 to 127/ })
    assert.throws(() => SharedArray('i', [1.5]), ValueError)
    assert.throws(() => SharedArray('q', [1 as never]), TypeError)
    assert.throws(() => SharedArray('c', ['ab']), ValueError)
    assert.throws(() => SharedArray('i', 1, { lock: 5 as never }), TypeError)
    assert.throws(() => SharedArray('i', 1, { lock: new Semaphore() }), TypeError)
  })
})

describe('a Value', { timeout }, () => {
  test('is counted up by 4 processes', async () => {
    const value = Value('i')
    await using pool = new Pool(4)
    await Promise.all([1, 2, 3, 4].map(() => pool.apply(tasks.increment, [value, 2000])))
    assert.equal(value.value, 8000)
  })

  test('of each code holds what it is given, and refuses the rest', () => {
    const double = Value('d', 3.25)
    double.value += 1
    assert.equal(double.value, 4.25)
    const character = Value('c', 'x')
    assert.equal(character.value, 'x')
    const big = RawValue('Q', 5n)
    big.value = 2n ** 64n - 1n
    assert.equal(big.value, 2n ** 64n - 1n)
    assert.throws(() => {
      big.value = -1n
    }, ValueError)
    assert.equal(big.value, 2n ** 64n - 1n)
    assert.throws(() => Value('h', 40_000), ValueError)
    assert.equal('getLock' in big, false)
  })
})

describe('the memory of shared objects', { timeout }, () => {
  test('goes when nobody has them, though parts of an array are still in use', async () => {
    const { arena } = currentFamily()
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await using pool = new Pool(1)
    await pool.apply(tasks.isLocked, [new Lock()])
    let part: Int32Array | undefined = SharedArray('i', [1, 2, 3]).subarray(1)
    collect()
    const before = arena.liveBlocks
    for (let i = 0; i < 2000; i++) await pool.apply(tasks.isLocked, [new Lock()])
    for (let i = 0; i < 20_000; i++) new Semaphore(3)
    await until(() => {
      collect()
      return arena.liveBlocks <= before + 2100
    }, 'the blocks of dropped objects are given back')
    assert.deepEqual([...part], [2, 3])
    part = undefined
  })

  test('stays with who has it, though the one before in its place in the table is reaped a second time', () => {
    const { memory, arena, table } = currentFamily()
    const first = table.claim(currentFamily().self)
    table.free(first)
    const second = table.claim(currentFamily().self)
    assert.equal(slotOf(second), slotOf(first))
    const blocks = new SharedBlocks(memory, arena, table, second, () => {})
    const at = blocks.create(8)
    blocks.countOut(first)
    assert.equal(blocks.isBlock(at), true)
    blocks.countOut(second)
    assert.equal(blocks.isBlock(at), false)
    table.free(second)
  })

  test('outlives its maker, and goes with its last holder', async () => {
    const { arena } = currentFamily()
    const pool = new Pool(1)
    const lock = await pool.apply(() => import('../src/index.ts').then(({ Lock }) => new Lock()))
    pool.terminate()
    await pool.join()
    assert.equal(lock.acquireSync(), true)
    assert.ok(arena.liveBlocks > 0)
    lock.release()
  })
})
