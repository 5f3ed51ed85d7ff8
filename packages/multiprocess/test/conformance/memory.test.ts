/** `multiprocessing.Value`, `Array`, `sharedctypes.RawValue`, `RawArray`, `shared_memory`. */
import assert from 'node:assert/strict'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/conformance/tasks.ts'
import * as memory from '../fixtures/memory/targets.ts'
import * as sync from '../fixtures/sync/tasks.ts'

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

conform('Array', ({ face, behaviour, pool, blocks }) => {
  const { Array: SharedArray, Lock, RawArray, RLock, Semaphore, Value, ValueError } = face

  for (const [code, Type, element] of CODES) {
    behaviour(`type code '${code}' makes a ${Type.name} of its own length, which holds its extreme values`, () => {
      const array = SharedArray(code, 3) as Uint8Array
      assert.ok(array instanceof Type)
      assert.equal(Object.prototype.toString.call(array), `[object ${Type.name}]`)
      assert.equal(array.length, 3)
      assert.equal((SharedArray(code, [element] as never) as Uint8Array)[0], element as number)
    })
  }

  behaviour(
    'an array has an ArrayBuffer of exactly its own bytes',
    () => {
      for (const [code] of CODES) {
        const array = SharedArray(code, 3) as Uint8Array
        assert.equal(array.buffer.byteLength, 3 * array.BYTES_PER_ELEMENT)
        assert.equal(array.byteOffset, 0)
      }
    },
    {
      only: 'processes',
      because: 'threads share one SharedArrayBuffer, of which a view is the only part that can be shown'
    }
  )

  behaviour('an integer as init is the length, and the array is initially zeroed', () => {
    assert.deepEqual([...SharedArray('i', 4)], [0, 0, 0, 0])
    assert.deepEqual([...RawArray('d', 2)], [0, 0])
    assert.equal(SharedArray('i', 0).length, 0)
  })

  behaviour('a sequence as init gives the elements and the length', () => {
    assert.deepEqual([...SharedArray('i', [1, 2, 3])], [1, 2, 3])
    assert.deepEqual([...SharedArray('h', new Set([4, 5]))], [4, 5])
    assert.deepEqual([...RawArray('Q', [6n])], [6n])
  })

  behaviour('the child process sees what is written here, and this process sees what the child writes', async () => {
    const array = SharedArray('i', [1, 2, 3])
    array[0] = 100
    assert.equal(await pool().apply(tasks.at, [array, 0]), 100)
    await pool().apply(tasks.put, [array, 1, 200])
    assert.deepEqual([...array], [100, 200, 3])
    assert.equal(await pool().apply(sync.fill, [array, 7]), 3)
    assert.deepEqual([...array], [7, 7, 7])
  })

  behaviour('an array that comes back is the same object', async () => {
    const array = SharedArray('i', [1])
    assert.equal(await pool().apply(tasks.identity<unknown>, [array]), array)
  })

  behaviour('a method of typed arrays that makes an array makes one of its own memory', () => {
    const array = SharedArray('i', [1, 2, 3])
    const doubled = array.map(n => n * 2)
    array[0] = 9
    assert.deepEqual([...doubled], [2, 4, 6])
    assert.deepEqual([...array.slice(1)], [2, 3])
  })

  behaviour('lock: true, the default, makes a new lock for the array', () => {
    const array = SharedArray('i', 1)
    assert.ok(array.getLock() instanceof RLock)
    assert.notEqual(array.getLock(), SharedArray('i', 1).getLock())
  })

  behaviour('a Lock or RLock as the lock option is the lock of the array', () => {
    const lock = new Lock()
    assert.equal(SharedArray('d', 1, { lock }).getLock(), lock)
    const rlock = new RLock()
    assert.equal(SharedArray('d', 1, { lock: rlock }).getLock(), rlock)
  })

  behaviour('lock: false makes an array without a lock', () => {
    assert.equal('getLock' in SharedArray('d', 1, { lock: false }), false)
    assert.equal('getLock' in RawArray('d', 1), false)
  })

  behaviour('a lock of another type is refused', () => {
    assert.throws(() => SharedArray('i', 1, { lock: 5 as never }), TypeError)
    assert.throws(() => SharedArray('i', 1, { lock: new Semaphore() }), TypeError)
    assert.throws(() => SharedArray('i', 1, false as never), TypeError)
    assert.throws(() => Value('i', 1, null as never), TypeError)
  })

  behaviour('getObj() returns the wrapped object, and getLock() its lock, which other processes see held', async () => {
    const array = SharedArray('i', [1])
    assert.equal(array.getObj(), array)
    assert.equal(
      array.runExclusiveSync(() => array.getLock().locked),
      true
    )
    await array.runExclusive(async () => {
      assert.equal(await pool().apply(tasks.get, [array.getLock(), 'locked']), true)
    })
  })

  behaviour("an array of 'c' has a value attribute that stores and retrieves texts", () => {
    const bytes = SharedArray('c', 10)
    bytes.value = 'grüße'
    assert.equal(bytes.value, 'grüße')
    assert.equal(bytes[2], 'ü'.charCodeAt(0))
    bytes.value = 'a'
    assert.equal(bytes.value, 'a')
    assert.equal(RawArray('c', 'abc').value, 'abc')
  })

  behaviour("an array of 'u' holds any character", () => {
    const text = SharedArray('u', '東京😀')
    assert.equal(text.length, 3)
    assert.equal(text.value, '東京😀')
  })

  behaviour('a text that does not fit is refused, and changes nothing', () => {
    const bytes = SharedArray('c', 10)
    bytes.value = 'a'
    for (const text of ['more than ten characters', '東']) {
      assert.throws(() => {
        bytes.value = text
      }, ValueError)
    }
    assert.equal(bytes.value, 'a')
  })

  behaviour('an unknown type code is refused', () => {
    assert.throws(() => SharedArray('x' as never, 1), {
      name: 'ValueError',
      message: /unknown type code 'x'; use one of c u b/
    })
    assert.throws(() => SharedArray(5 as never, 1), TypeError)
  })

  behaviour('an invalid length is refused', () => {
    for (const length of [-1, 1.5, Number.NaN]) assert.throws(() => SharedArray('i', length), ValueError)
    assert.throws(() => SharedArray('i', null as never), TypeError)
  })

  behaviour('a length that one view cannot show is refused, and takes no memory', () => {
    const before = blocks()
    for (const length of [2 ** 30, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      assert.throws(() => RawArray('i', length), { name: 'ValueError', message: /has at most/ })
    }
    assert.equal(blocks(), before)
  })

  behaviour('an element that does not fit its type is refused, and the error names its position', () => {
    assert.throws(() => SharedArray('b', [1, 128]), { name: 'ValueError', message: /element 1 .* -128 to 127/ })
    assert.throws(() => SharedArray('i', [1.5]), ValueError)
    assert.throws(() => SharedArray('q', [1 as never]), TypeError)
    assert.throws(() => SharedArray('c', ['ab']), ValueError)
    assert.throws(() => SharedArray('u', [0x110000]), ValueError)
  })

  behaviour('an array of 100 MB can be made and used', async () => {
    const large = RawArray('B', 100_000_000)
    large[99_999_999] = 5
    assert.equal(await pool().apply(tasks.at, [large, 99_999_999]), 5)
    await pool().apply(tasks.put, [large, 99_999_999, 6])
    assert.equal(large[99_999_999], 6)
  })
})

conform('Value', ({ face, behaviour, pool }) => {
  const { Lock, RawValue, RLock, Value, ValueError } = face

  for (const [code, , element] of CODES) {
    if (code === 'c' || code === 'u') continue
    behaviour(`type code '${code}' holds its extreme values`, () => {
      const value = Value(code, element as never)
      const expected = code === 'f' ? Math.fround(element as number) : element
      assert.equal(value.value, expected)
      value.value = (typeof element === 'bigint' ? 0n : 0) as never
      assert.equal(Number(value.value), 0)
    })
  }

  behaviour("type codes 'c' and 'u' hold one character", () => {
    const character = Value('c', 'x')
    assert.equal(character.value, 'x')
    const wide = Value('u', '😀')
    assert.equal(wide.value, '😀')
    wide.value = 'a'
    assert.equal(wide.value, 'a')
  })

  behaviour('Value() returns an object in shared memory that is 0 or the given value', async () => {
    assert.equal(Value('i').value, 0)
    const value = Value('d', 3.25)
    value.value += 1
    assert.equal(await pool().apply(tasks.get, [value, 'value']), 4.25)
    await pool().apply(tasks.setValue, [value, -1])
    assert.equal(value.value, -1)
  })

  behaviour('+= on a value is not atomic, but it is under getLock()', async () => {
    const value = Value('i')
    await Promise.all([1, 2, 3, 4].map(() => pool(4).apply(sync.increment, [value, 500])))
    assert.equal(value.value, 2000)
  })

  behaviour('lock: true makes an RLock, a Lock or RLock is used, and false makes a value without a lock', () => {
    assert.ok(Value('i').getLock() instanceof RLock)
    const lock = new Lock()
    assert.equal(Value('i', 0, { lock }).getLock(), lock)
    assert.equal('getLock' in Value('i', 0, { lock: false }), false)
    assert.equal('getLock' in RawValue('i'), false)
  })

  behaviour('a value that does not fit is refused, and changes nothing', () => {
    const big = RawValue('Q', 5n)
    assert.throws(() => {
      big.value = -1n
    }, ValueError)
    assert.equal(big.value, 5n)
    assert.throws(() => Value('h', 40_000), ValueError)
    assert.throws(() => Value('x' as never), ValueError)
  })

  behaviour('a value that comes back is the same object, with its lock', async () => {
    const value = Value('i', 1)
    const back = await pool().apply(tasks.identity<typeof value>, [value])
    assert.equal(back, value)
    assert.equal(back.getLock(), value.getLock())
  })
})

conform('SharedMemory', ({ face, behaviour, pool }) => {
  const { SharedMemory, ValueError } = face

  behaviour('create: true makes a new block, and others attach to it by its name', async () => {
    using shm = new SharedMemory({ create: true, size: 10 })
    using other = new SharedMemory({ name: shm.name })
    shm.buf[9] = 9
    assert.equal(other.buf[9], 9)
    other.buf[0] = 1
    assert.equal(shm.buf[0], 1)
    shm.unlink()
  })

  behaviour('a block without a given name gets a new one', () => {
    using a = new SharedMemory({ create: true, size: 1 })
    using b = new SharedMemory({ create: true, size: 1 })
    assert.notEqual(a.name, b.name)
    a.unlink()
    b.unlink()
  })

  behaviour('size must be given with create, and must be a number of bytes above 0', () => {
    for (const size of [undefined, 0, -1, 1.5, Number.NaN]) {
      assert.throws(() => new SharedMemory({ create: true, size: size as number }), { name: /ValueError|TypeError/ })
    }
  })

  behaviour('attaching to a block that does not exist raises', () => {
    assert.throws(() => new SharedMemory({ name: 'multiprocess-not-there' }), { code: 'ENOENT' })
  })

  behaviour('creating a block that exists raises', () => {
    using shm = new SharedMemory({ create: true, size: 1 })
    assert.throws(() => new SharedMemory({ name: shm.name, create: true, size: 1 }), { code: 'EEXIST' })
    shm.unlink()
  })

  behaviour('close() closes access from this instance, and from no other', () => {
    const shm = new SharedMemory({ create: true, size: 1 })
    using other = new SharedMemory({ name: shm.name })
    const { buf } = shm
    shm.close()
    shm.close()
    assert.equal(buf.length, 0)
    assert.throws(() => shm.buf, ValueError)
    assert.equal(other.buf.length, 1)
    other.unlink()
  })

  behaviour('unlink() removes the name of the block, and processes that have the block keep it', () => {
    using shm = new SharedMemory({ create: true, size: 1 })
    shm.unlink()
    assert.throws(() => new SharedMemory({ name: shm.name }), { code: 'ENOENT' })
    assert.equal(shm.buf.length, 1)
    assert.throws(() => shm.unlink(), { code: 'ENOENT' })
  })

  behaviour('a block is sent by its name, and is the same memory in the other process', async () => {
    using shm = new SharedMemory({ create: true, size: 10 })
    assert.equal(await pool().apply(memory.addOne, [shm]), 1)
    assert.equal(shm.buf[0], 1)
    using made = await pool().apply(memory.createFilled, [5, 3])
    assert.deepEqual([...made.buf], [3, 3, 3, 3, 3])
    shm.unlink()
    made.unlink()
  })

  behaviour('a block that is closed here can still be sent, and an unlinked one cannot', async () => {
    const shm = new SharedMemory({ create: true, size: 10 })
    shm.close()
    assert.equal(await pool().apply(memory.addOne, [shm]), 1)
    shm.unlink()
    await assert.rejects(async () => pool().apply(memory.addOne, [shm]), { code: 'ENOENT' })
  })
})

conform('ShareableList', ({ face, behaviour, pool }) => {
  const { ShareableList, ValueError } = face

  behaviour('all values of a ShareableList are stored in one shared memory block', async () => {
    const list = new ShareableList<string | number | bigint | boolean | Uint8Array | null>([
      'howdy',
      273.154,
      100,
      7n,
      null,
      true,
      Uint8Array.of(1, 2)
    ])
    const other = new ShareableList(undefined, { name: list.shm.name })
    assert.deepEqual([...other], [...list])
    await pool().apply(tasks.call, [list, 'set', 0, 'hi'])
    assert.equal(list.at(0), 'hi')
    list.shm.unlink()
  })

  behaviour('the length of a ShareableList is that of the sequence, and cannot be changed', () => {
    const list = new ShareableList([1, 2, 3])
    assert.equal(list.length, 3)
    assert.throws(() => list.set(3, 4))
    assert.throws(() => list.at(-4))
    assert.equal(list.at(-1), 3)
    assert.throws(() => new ShareableList([1], list.shm.name as never), TypeError)
    list.shm.unlink()
  })

  behaviour(
    'a value that needs more room than the first one in its place raises ValueError, and changes nothing',
    () => {
      const list = new ShareableList(['short'])
      assert.throws(() => list.set(0, 'much longer than what was there'), ValueError)
      assert.equal(list.at(0), 'short')
      list.shm.unlink()
    }
  )

  behaviour('count() returns the number of occurrences of a value, and indexOf() its first position', () => {
    const list = new ShareableList([1, 2, 1, 3])
    assert.equal(list.count(1), 2)
    assert.equal(list.count(9), 0)
    assert.equal(list.indexOf(3), 3)
    list.shm.unlink()
  })

  behaviour('format is the packing format of all stored values', () => {
    const list = new ShareableList<number | string>([1.5, 'ab'])
    assert.equal(typeof list.format, 'string')
    assert.ok(list.format.length > 0)
    list.shm.unlink()
  })

  behaviour('a ShareableList is sent as itself', async () => {
    const list = new ShareableList<number>([5, 6])
    assert.equal(await pool().apply(tasks.call, [list, 'at', 1]), 6)
    list.shm.unlink()
  })
})
