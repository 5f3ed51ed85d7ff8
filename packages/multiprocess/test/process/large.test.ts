import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { before, describe, test } from 'node:test'
import { VIEWED_LENGTH } from '../../src/codec/values/large-buffers.ts'
import { Process, SerializationError } from '../../src/index.ts'
import { Process as Thread } from '../../src/threads.ts'
import { collectGarbage } from '../fixtures/garbage.ts'
import { liveBlocks, privateMegabytes, Scratch, until, untilBlocks } from '../fixtures/pool/tools.ts'
import { Carrier } from '../fixtures/process/subclasses.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(120_000)
const LENGTH = VIEWED_LENGTH + 2 ** 16
/** Less than this is no copy, in megabytes. */
const LITTLE = 16

type Report = (file: string, ...args: never[]) => unknown

/** What the child writes as JSON to the file that is its first argument. */
async function reportOf(report: Report, ...args: unknown[]): Promise<unknown> {
  await using scratch = await Scratch.create()
  const child = new Process<never[]>({ target: report, args: [scratch.file('report'), ...args] as never[] })
  child.start()
  await child.join()
  assert.equal(child.exitcode, 0)
  return JSON.parse(await scratch.read('report'))
}

function report(file: string, value: unknown): void {
  writeFileSync(file, JSON.stringify(value))
}

function tell(file: string, array: Float64Array): void {
  const sum = array.reduce((sum, number) => sum + number, 0)
  report(file, { sum, length: array.length, own: array.buffer.byteLength, memory: privateMegabytes() })
}

/** In a frame of its own, that keeps none of them. */
function sumOfLast(arrays: readonly Uint8Array[]): number {
  return arrays.reduce((sum, array) => sum + array[array.length - 1], 0)
}

describe('large buffers that a Process brings', { timeout }, () => {
  let base = 0
  before(async () => {
    base = ((await reportOf(tell, new Float64Array(8))) as { memory: number }).memory
  })

  for (const length of [LENGTH, 3 * LENGTH + 8008]) {
    test(`a child views buffers of ${length} bytes in the place where they were stored`, async () => {
      const array = new Float64Array(length / 8).fill(2)
      const before = privateMegabytes()
      const seen = (await reportOf(tell, array)) as { sum: number; length: number; own: number; memory: number }
      assert.deepEqual([seen.sum, seen.length, seen.own], [length / 4, length / 8, length])
      assert.ok(seen.memory - base < LITTLE, `receiving takes ${seen.memory - base} MB`)
      const grown = privateMegabytes() - before
      assert.ok(grown < LITTLE, `sending takes ${grown} MB`)
    })
  }

  test('a child views large buffers in captured variables, and they belong to the child', async () => {
    const bytes = new Uint8Array(LENGTH).fill(3)
    const beside = { bytes, last: new DataView(bytes.buffer, LENGTH - 2) }
    const seen = await reportOf((file: string) => {
      const isOne = beside.bytes === bytes && beside.last.buffer === bytes.buffer
      const found = [isOne, bytes.every(byte => byte === 3), beside.last.getUint16(0)]
      bytes.fill(4)
      report(file, [...found, privateMegabytes()])
    })
    const [isOne, isWhole, last, memory] = seen as [boolean, boolean, number, number]
    assert.deepEqual([isOne, isWhole, last], [true, true, 0x0303])
    assert.ok(memory - base < LITTLE, `receiving takes ${memory - base} MB`)
    assert.ok(bytes.every(byte => byte === 3))
  })

  test("a child views large buffers in fields of a subclass's instance, and they belong to the child", async () => {
    await using scratch = await Scratch.create()
    const child = new Carrier(scratch.file('report'), new Uint8Array(LENGTH).fill(5))
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    const [length, last, isOne, own, memory] = JSON.parse(await scratch.read('report')) as number[]
    assert.deepEqual([length, last, isOne, own], [LENGTH, 5, true, LENGTH])
    assert.ok(memory - base < LITTLE, `receiving takes ${memory - base} MB`)
    assert.ok(child.bytes.every(byte => byte === 5))
  })

  test('large buffers are freed while the child runs, once it has dropped all views of them', async () => {
    await using scratch = await Scratch.create()
    const child = new Process({
      target: async (file: string, ...arrays: Uint8Array[]) => {
        const blocks = liveBlocks()
        const sums = [sumOfLast(arrays)]
        arrays.length = 1
        for (let i = 0; i < 5; i++) {
          collectGarbage()
          await new Promise(setImmediate)
        }
        const given = blocks - liveBlocks()
        sums.push(sumOfLast(arrays))
        arrays.length = 0
        await until(() => {
          collectGarbage()
          return liveBlocks() < blocks
        }, 'the block is given back')
        report(file, { sums, given })
      },
      args: [scratch.file('report'), new Uint8Array(LENGTH).fill(1), new Uint8Array(LENGTH).fill(2)]
    })
    child.start()
    await child.join()
    assert.deepEqual([JSON.parse(await scratch.read('report')), child.exitcode], [{ sums: [3, 1], given: 0 }, 0])
  })

  test('large buffers are freed with a child that ends, is killed while it views them, or is killed before', async () => {
    await using scratch = await Scratch.create()
    const bytes = new Uint8Array(LENGTH).fill(1)
    const hold = (file: string, bytes: Uint8Array, isKept: boolean) => {
      report(file, bytes[9])
      if (isKept) setInterval(() => bytes.fill(7), 60_000)
    }
    const start = (name: string, isKept: boolean) => {
      const child = new Process({ target: hold, args: [scratch.file(name), bytes, isKept] })
      child.start()
      return child
    }
    await start('first', false).join()
    const blocks = liveBlocks()

    const ending = start('ending', false)
    await ending.join()
    const looking = start('looking', true)
    await until(() => readNumber(scratch.file('looking')) === 1, 'it looks')
    assert.ok(liveBlocks() > blocks)
    looking.kill()
    await looking.join()
    const early = start('early', true)
    assert.ok(liveBlocks() > blocks)
    early.kill()
    await early.join()
    assert.deepEqual([ending.exitcode, looking.exitcode, early.exitcode], [0, -9, -9])
    await untilBlocks(blocks)
  })

  test('large buffers are not stored next to a value that is refused', async () => {
    const blocks = liveBlocks()
    const socket = connect({ port: 1, host: '127.0.0.1' }).on('error', () => {})
    const child = new Process({ target: (..._: unknown[]) => {}, args: [new Uint8Array(LENGTH), socket] })
    assert.throws(() => child.start(), SerializationError)
    socket.destroy()
    assert.equal(liveBlocks(), blocks)
  })

  test('large buffers are copies in a thread', async () => {
    await using scratch = await Scratch.create()
    const array = new Float64Array(LENGTH / 8).fill(1)
    const child = new Thread({ target: tell, args: [scratch.file('report'), array] })
    child.start()
    await child.join()
    const { sum, own } = JSON.parse(await scratch.read('report')) as { sum: number; own: number }
    assert.deepEqual([sum, own], [LENGTH / 8, LENGTH])
  })
})

function readNumber(file: string): number {
  try {
    return Number(readFileSync(file, 'latin1'))
  } catch {
    return 0
  }
}
