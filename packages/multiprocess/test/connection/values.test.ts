/** What crosses to another program, and what does not. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { modulesOf } from '../../src/codec/decode.ts'
import { encode } from '../../src/codec/encode.ts'
import {
  Client,
  type Connection,
  Event,
  Listener,
  Lock,
  Pipe,
  Queue,
  SerializationError,
  Array as SharedArray,
  SharedMemory
} from '../../src/index.ts'
import { RawPeer } from '../fixtures/connection/raw.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

class Point {
  readonly x: number
  constructor(x: number) {
    this.x = x
  }
  get double(): number {
    return 2 * this.x
  }
}

async function pair(authkey?: string): Promise<[Connection, Connection]> {
  await using listener = new Listener(undefined, { authkey })
  return await Promise.all([Client(listener.address, { authkey }), listener.accept()])
}

function isRefused(path: string, reason: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof SerializationError)
    assert.equal(error.path, path)
    assert.match(error.message, reason)
    return true
  }
}

describe('between programs that have shown their key', { timeout }, () => {
  test('functions, classes, instances and errors cross between programs with a key', async () => {
    const [here, there] = await pair('k')
    const factor = 3
    await here.send((n: number) => n * factor)
    assert.equal(((await there.recv()) as (n: number) => number)(5), 15)
    await here.send(new Point(4))
    const point = (await there.recv()) as Point
    assert.equal(point.double, 8)
    await here.send(new TypeError('wrong', { cause: 1 }))
    const error = (await there.recv()) as TypeError
    assert.ok(error instanceof TypeError && error.cause === 1)
    here.close()
    there.close()
  })

  test('the asynchronous method receives a message whose modules are not imported yet', async () => {
    const [here, there] = await pair('k')
    const module = new URL('../fixtures/connection/only-there.js', import.meta.url).href
    const { onlyThere } = await import(module)
    await here.send(onlyThere)
    const received = (await there.recv()) as () => string
    assert.equal(received(), 'only there')
    here.close()
    there.close()
  })
})

for (const authkey of ['k', undefined]) {
  test(`shared memory is refused with its path, ${authkey ? 'with' : 'without'} a key`, {
    timeout
  }, async () => {
    const [here, there] = await pair(authkey)
    using shm = new SharedMemory({ create: true, size: 10 })
    const [end] = Pipe()
    const shared = [new Queue(), new Lock(), new Event(), end, SharedArray('i', 3), shm]
    for (const object of shared) {
      await assert.rejects(
        here.send({ list: [1, object] }),
        isRefused('value.list[1]', /shared memory; only processes of this family/)
      )
      assert.throws(() => here.sendSync({ list: [1, object] }), SerializationError)
    }
    shm.unlink()
    await here.send('the next one')
    assert.equal(await there.recv(), 'the next one')
    here.close()
    there.close()
  })
}

describe('between programs without a key', { timeout }, () => {
  test('plain data crosses between programs without a key', async () => {
    const [here, there] = await pair()
    const value = {
      map: new Map([[1, new Set([2n])]]),
      date: new Date(0),
      bytes: Uint8Array.of(1, 2),
      url: new URL('https://example.org/'),
      error: new RangeError('far'),
      pattern: /x/g,
      list: [1, undefined, null, -0]
    }
    await here.send(value)
    assert.deepEqual(await there.recv(), value)
    here.close()
    there.close()
  })

  test('code is refused at its sender without a key, with its path', async () => {
    const [here] = await pair()
    await assert.rejects(
      here.send({ fn: () => 1 }),
      isRefused('value.fn', /the function fn; code crosses only between/)
    )
    await assert.rejects(here.send([parseInt]), isRefused('value[0]', /the function parseInt; .* give both an authkey/))
    await assert.rejects(here.send({ Point }), isRefused('value.Point', /the class Point; code/))
    await assert.rejects(
      here.send([new Point(1)]),
      isRefused('value[0]', /an instance of the class Point; .*send its fields/)
    )
    await assert.rejects(here.send(Object.create({ a: 1 })), SerializationError)
    await assert.rejects(here.send(new Proxy({}, {})), /it is a Proxy/)
    here.close()
  })

  test('code that arrives without a key is refused before anything of it is imported or run', async () => {
    await using listener = new Listener({ host: 'localhost', port: 0 })
    const peer = await RawPeer.connect(listener.address)
    using connection = await listener.accept()
    const flag = '__received_code'
    const evil = Object.defineProperty(() => 0, 'name', { value: flag })
    const messages = [
      encode(() => Reflect.set(globalThis, '__received_code', 1)),
      encode(new Point(1)),
      encode(Point),
      encode(new Queue()),
      encode([evil]),
      importing('data:text/javascript,globalThis.__received_code = 1')
    ]
    for (const message of messages) {
      peer.send(message)
      await assert.rejects(connection.recv(), /functions, classes or shared objects, which are taken only from/)
      peer.send(message)
      assert.throws(() => connection.recvSync(), SerializationError)
    }
    assert.equal(Reflect.get(globalThis, flag), undefined)
    peer.send(encode('plain'))
    assert.equal(await connection.recv(), 'plain')
    peer.socket.destroy()
  })
})

/** A reference to an export of another module, as a message has it. */
function importing(module: string): Uint8Array {
  const message = Buffer.from(encode(parseInt))
  const [known] = modulesOf(message)
  const index = message.lastIndexOf(known)
  const short = (text: string) => Buffer.concat([Buffer.from([0x69, text.length]), Buffer.from(text)])
  const trailerAt = message.readUInt32LE(message.length - 4)
  assert.ok(index > trailerAt)
  const end = Buffer.alloc(4)
  end.writeUInt32LE(trailerAt)
  const made = Buffer.concat([message.subarray(0, trailerAt), Buffer.from([1]), short(module), end])
  assert.deepEqual(modulesOf(made), [module])
  return made
}
