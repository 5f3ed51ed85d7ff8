import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { type ListItem, Process, ShareableList, SharedMemory, ValueError } from '../../src/index.ts'
import { setWithoutEnd } from '../fixtures/memory/targets.ts'
import { descriptorCount, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const EVERY_KIND = [
  'text',
  '',
  'with NULs\0\0',
  '\u{1f600} ü',
  'lone \ud800 surrogate',
  1.5,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  0n,
  -1n,
  127n,
  128n,
  -(2n ** 63n),
  2n ** 64n,
  -(10n ** 50n),
  true,
  false,
  null,
  new Uint8Array([1, 0, 0]),
  new Uint8Array()
]

function use<T extends ListItem>(items: Iterable<T>, run: (list: ShareableList<T>) => void): void {
  const list = new ShareableList(items)
  try {
    run(list)
  } finally {
    list.shm.close()
    list.shm.unlink()
  }
}

describe('ShareableList', { timeout: limit(60_000) }, () => {
  test('a ShareableList holds values of every kind, also for processes that attach', () => {
    use(EVERY_KIND, list => {
      using other = new ShareableList(undefined, { name: list.shm.name })
      assert.ok(list.shm instanceof SharedMemory)
      for (const each of [list, other]) {
        assert.equal(each.length, EVERY_KIND.length)
        assert.deepEqual([...each], EVERY_KIND)
      }
      assert.deepEqual([list.at(-1), list.at(-EVERY_KIND.length)], [new Uint8Array(), 'text'])
      assert.equal(Object.is(list.at(6), -0), true)
    })
  })

  test('a slot takes any value that fits, and refuses others without a change', () => {
    const item = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.double(),
      fc.bigInt(),
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 40 })
    )
    const items = fc.array(item, { minLength: 1, maxLength: 6 })
    let fitted = 0
    let refused = 0
    fc.assert(
      fc.property(items, fc.array(fc.tuple(fc.nat(), item), { maxLength: 12 }), (first, changes) => {
        use<ListItem>(first, list => {
          const model = [...first]
          for (const [at, value] of changes) {
            const index = at % model.length
            try {
              list.set(index, value)
              model[index] = value
              fitted++
            } catch (error) {
              assert.ok(error instanceof ValueError, String(error))
              refused++
            }
            assert.deepEqual([...list], model)
          }
        })
      }),
      { numRuns: 60 }
    )
    assert.ok(fitted > 60 && refused > 20, `${fitted} fitted, ${refused} did not`)
  })

  test('a slot has the room that its first value needed, and its error tells how much', () => {
    use(['seven..', 'eight...', 1, null, 2n ** 64n, new Uint8Array(24)], list => {
      const rooms = [8, 16, 8, 8, 16, 32]
      for (const [index, room] of rooms.entries()) {
        list.set(index, 'x'.repeat(room))
        const message = new RegExp(
          `item ${index} cannot be set to a value of ${room + 1} bytes: its slot has room for ${room}`
        )
        assert.throws(() => list.set(index, 'y'.repeat(room + 1)), { code: 'ERR_VALUE', message })
        assert.equal(list.at(index), 'x'.repeat(room))
      }
      list.set(0, 'ü'.repeat(4))
      assert.throws(() => list.set(0, 'ü'.repeat(5)), /10 bytes/)
      assert.throws(() => list.set(0, 2n ** 63n), /9 bytes/)
      list.set(0, 2n ** 63n - 1n)
      assert.equal(list.at(0), 2n ** 63n - 1n)
    })
  })

  test('a ShareableList tells its format, counts and finds values', () => {
    use<ListItem>(['a', 1, 2n, true, null, new Uint8Array(20), 10n ** 30n, 1, Number.NaN], list => {
      assert.equal(list.format, '8sdqxxxxxxx?xxxxxx?x24s16sdd')
      assert.deepEqual([list.count(1), list.count('b'), list.count(Number.NaN)], [2, 0, 1])
      assert.deepEqual(
        [list.indexOf(1), list.indexOf('b'), list.indexOf(2n), list.indexOf(2), list.indexOf(new Uint8Array(20))],
        [1, -1, 2, -1, 5]
      )
      assert.match(inspect(list), /^ShareableList \[[\s\S]*\]$/)
    })
    use([], list => assert.deepEqual([list.length, list.format, [...list], list.indexOf(1 as never)], [0, '', [], -1]))
  })

  test('invalid calls of a ShareableList are refused', () => {
    const wrong: [() => unknown, RegExp][] = [
      [() => new ShareableList(), /give a sequence for a new list, or the name of one/],
      [() => new ShareableList([1, undefined as never]), /item 1 is undefined; a ShareableList holds strings, numbers/],
      [() => new ShareableList([{} as never]), /item 0 is \{\}/],
      [() => new ShareableList([Symbol('x') as never]), /item 0 is Symbol\(x\)/],
      [() => new ShareableList(5 as never), /must be iterable, not 5/],
      [() => new ShareableList([1], { name: 'a/b' }), /contains a slash/],
      [() => new ShareableList(undefined, { name: '' }), /it is empty/]
    ]
    for (const [call, message] of wrong) assert.throws(call, { code: 'ERR_VALUE', message })
    const descriptors = descriptorCount()
    assert.throws(() => new ShareableList(undefined, { name: 'mp-list-missing' }), { code: 'ENOENT' })
    const shm = new SharedMemory({ create: true, size: 1000 })
    const { name } = shm
    assert.throws(() => new ShareableList(undefined, { name }), {
      code: 'ERR_VALUE',
      message: /holds no ShareableList/
    })
    assert.throws(() => new ShareableList([1], { name }), { code: 'EEXIST' })
    shm.close()
    shm.unlink()
    assert.equal(descriptorCount(), descriptors)
    use([1, 2], list => {
      for (const index of [2, -3, 0.5, Number.NaN, '0' as never]) {
        assert.throws(() => list.at(index), {
          code: 'ERR_VALUE',
          message: /item .* does not exist in a ShareableList of length 2/
        })
        assert.throws(() => list.set(index, 1), { code: 'ERR_VALUE', message: /item .* does not exist/ })
      }
      assert.throws(() => list.set(0, undefined as never), /item 0 is undefined/)
      const before = descriptorCount()
      list.shm.close()
      assert.equal(descriptorCount(), before - 1)
      for (const call of [() => list.at(0), () => list.set(0, 1), () => [...list], () => list.format]) {
        assert.throws(call, { code: 'ERR_VALUE', message: /closed/ })
      }
      assert.match(inspect(list), /closed/)
      assert.equal(existsSync(`/dev/shm/${list.shm.name}`), true)
    })
  })

  test('a damaged ShareableList reports the damage instead of reading elsewhere', () => {
    use<ListItem>(['text', 1], list => {
      const words = new Int32Array(list.shm.buf.buffer, 0, list.shm.size >> 2)
      const cell = words[2] + 1
      words[cell + 1] = 1000
      assert.throws(() => list.at(0), { code: 'ERR_DAMAGED' })
      words[cell + 1] = -1
      assert.throws(() => list.at(0), { code: 'ERR_DAMAGED' })
      words[cell + 1] = 4
      words[cell] = 99
      assert.throws(() => list.at(0), { code: 'ERR_DAMAGED' })
      words[1] = 1e6
      assert.throws(() => new ShareableList(undefined, { name: list.shm.name }), /holds no ShareableList/)
    })
  })

  test('a value that two processes set is never torn, even after they are killed while they set it', async () => {
    const first = ['a'.repeat(300), new Uint8Array(400)]
    const list = new ShareableList<string | Uint8Array>(first)
    const writers = [1, 2].map(seed => new Process({ target: setWithoutEnd, args: [list, seed] }))
    for (const writer of writers) writer.start()
    await until(() => list.at(0) !== first[0], 'the writers have begun')
    const lengths = new Set<number>()
    const check = () => {
      const text = list.at(0) as string
      const bytes = list.at(1) as Uint8Array
      assert.equal(text, text[0].repeat(text.length))
      assert.ok(bytes.every(byte => byte === bytes[0]))
      lengths.add(text.length)
    }
    const end = performance.now() + 1500
    let reads = 0
    for (; performance.now() < end; reads++) check()
    assert.ok(reads > 1000 && lengths.size > 20, `${reads} reads, texts of ${lengths.size} lengths`)
    for (const writer of writers) writer.kill()
    await Promise.all(writers.map(writer => writer.join()))
    check()
    for (let i = 0; i < 3; i++) {
      list.set(0, 'still here')
      assert.equal(list.at(0), 'still here')
    }
    list.shm.close()
    list.shm.unlink()
  })

  test('a writer that is killed at any moment leaves the value before or after, and no lock', async () => {
    const list = new ShareableList<string | Uint8Array>(['a'.repeat(300), new Uint8Array(400)])
    for (let round = 0; round < 8; round++) {
      list.set(0, '-')
      const writer = new Process({ target: setWithoutEnd, args: [list, round] })
      writer.start()
      await until(() => list.at(0) !== '-', 'the writer has begun')
      writer.kill()
      await writer.join()
      const text = list.at(0) as string
      assert.equal(text, text[0].repeat(text.length))
      list.set(1, new Uint8Array([7]))
      assert.deepEqual(list.at(1), new Uint8Array([7]))
    }
    list.shm.close()
    list.shm.unlink()
  })
})
