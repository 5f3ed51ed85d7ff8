/**
 * Random hostile input, for as long as it is told: `npm run fuzz -- --seconds 60`. Each round has a seed of its own, which is printed
 * when the round fails; `npm run fuzz -- --part decode --seed 123` runs that round again.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { decode } from '../src/codec/decode.ts'
import { encode } from '../src/codec/encode.ts'
import { AuthenticationError, MultiprocessError, SerializationError } from '../src/errors.ts'
import { FrameReader, frameHeader } from '../src/socket/frames.ts'
import { HANDSHAKE_LIMIT, type HandshakeRole, handshake, type Key } from '../src/socket/handshake.ts'
import { damage, decodeDamagedCode, messagesWithCode } from './fixtures/codec/damage.ts'
import { greedyMessages } from './fixtures/codec/hostile.ts'
import { fuzz as fuzzListeners } from './fixtures/connection/fuzz.ts'
import { randomOf } from './fixtures/random.ts'

type Random = () => number
type Part = (random: Random, seed: number) => void | Promise<void>

const below = (random: Random, limit: number): number => Math.floor(random() * limit)

function bytesOf(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256))
}

const plain = [
  { name: 'a', list: [1, 2, 3], map: new Map([[1, { deep: [new Date(0), /x/, 5n] }]]) },
  Array.from({ length: 40 }, (_, i) => ({ i, text: 'x'.repeat(i) })),
  [new Uint8Array(300), new Float64Array(3), new DataView(new ArrayBuffer(9)), Buffer.from('abc')],
  new Error('e', { cause: new RangeError('r') }),
  [new URL('https://example.org/'), new URLSearchParams('a=b&c'), new Set(['ж', 2n ** 90n, 0.5]), Object(1)],
  Object.assign(new Array(3), { 2: 3, field: 4 })
].map(value => encode(value))
const greedy = Object.values(greedyMessages(20_000))

/** Damaged, random and greedy messages, read as those of a program that has shown its key, and of one that has not. */
function fuzzDecode(random: Random): void {
  for (let i = 0; i < 100; i++) {
    const kind = below(random, 3)
    const bytes =
      kind === 0
        ? Uint8Array.of(0x10, ...bytesOf(random, below(random, 60)))
        : damage((kind === 1 ? plain : greedy)[below(random, kind === 1 ? plain.length : greedy.length)], random)
    for (const isUntrusted of [false, true]) {
      if (!isUntrusted && kind === 2) continue
      try {
        decode(bytes, 0, bytes.length, null, isUntrusted)
      } catch (error) {
        if (!(error instanceof SerializationError)) throw error
      }
    }
  }
}

const coded = messagesWithCode()

/** Messages with damaged functions and classes. */
function fuzzCode(random: Random): void {
  for (let i = 0; i < 300; i++) decodeDamagedCode(damage(coded[below(random, coded.length)], random))
}

/** Messages come out of a stream as they went in, however it is cut; random streams are refused, or wait for more. */
function fuzzFrames(random: Random): void {
  const messages = Array.from({ length: below(random, 8) }, () => bytesOf(random, below(random, 5000)))
  const stream = Buffer.concat(messages.flatMap(message => [frameHeader(message.length), message]))
  const reader = new FrameReader(2 ** 21)
  const taken: Uint8Array[] = []
  for (let at = 0; at < stream.length; ) {
    const count = Math.min(1 + below(random, 3000), stream.length - at)
    reader.push(stream.subarray(at, at + count))
    at += count
    for (let message = reader.take(); message !== undefined; message = reader.take())
      taken.push(new Uint8Array(message))
  }
  assert.deepEqual(taken, messages)
  assert.equal(reader.hasBegun, false)
  const limit = 1 + below(random, 1000)
  const other = new FrameReader(limit)
  try {
    for (let i = 0; i < 20; i++) {
      other.push(bytesOf(random, 1 + below(random, 200)))
      for (let message = other.take(); message !== undefined; message = other.take()) assert.ok(message.length <= limit)
      assert.ok(other.buffered <= limit + 12 + 200)
    }
  } catch (error) {
    if (!(error instanceof MultiprocessError) || error.code !== 'ERR_BAD_FRAME') throw error
  }
}

const keyOf = (text: string, allowsMd5: boolean): Key => ({ bytes: Buffer.from(text), allowsMd5 })

/** Two sides show each other their keys, over a line that changes, loses, repeats and invents messages. */
function fuzzHandshake(random: Random): void {
  for (let i = 0; i < 50; i++) {
    const isSame = random() < 0.5
    const isDamaged = random() < 0.7
    const keys = { listener: keyOf('k', random() < 0.2), client: keyOf(isSame ? 'k' : 'other', random() < 0.2) }
    const sent: Record<HandshakeRole, Uint8Array[]> = { listener: [], client: [] }
    const sides = {
      listener: handshake('listener', keys.listener, message => sent.listener.push(message)),
      client: handshake('client', keys.client, message => sent.client.push(message))
    }
    const isDone = { listener: false, client: false }
    let hasChanged = false
    const give = (to: HandshakeRole, message?: Uint8Array): void => {
      if (isDone[to]) return
      try {
        isDone[to] = (message === undefined ? sides[to].next() : sides[to].next(message)).done === true
      } catch (error) {
        if (!(error instanceof AuthenticationError)) throw error
        sides[to].return()
        isDone[to] = false
        sides[to] = (function* () {
          for (;;) yield
        })()
      }
    }
    give('listener')
    give('client')
    for (let step = 0; step < 20; step++) {
      const from: HandshakeRole = random() < 0.5 ? 'listener' : 'client'
      const to: HandshakeRole = from === 'listener' ? 'client' : 'listener'
      let message = sent[from].shift()
      if (isDamaged && random() < 0.2) {
        hasChanged = true
        message =
          message === undefined || random() < 0.3
            ? bytesOf(random, below(random, HANDSHAKE_LIMIT))
            : damage(message, random)
      }
      if (message !== undefined) give(to, message)
    }
    if (!isSame) assert.deepEqual(isDone, { listener: false, client: false })
    else if (!hasChanged && sent.listener.length + sent.client.length === 0) {
      assert.deepEqual(isDone, { listener: true, client: true })
    }
  }
}

const PARTS: Readonly<Record<string, Part>> = {
  decode: fuzzDecode,
  code: fuzzCode,
  frames: fuzzFrames,
  handshake: fuzzHandshake,
  processes: (_random, seed) => fuzzListeners(60, seed, 'spawn'),
  threads: (_random, seed) => fuzzListeners(60, seed, 'thread')
}

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    first: { type: 'string' },
    part: { type: 'string' }
  }
})
if (options.part !== undefined && !Object.hasOwn(PARTS, options.part)) {
  console.error(`unknown part ${JSON.stringify(options.part)}; use one of ${Object.keys(PARTS).join(', ')}`)
  process.exit(1)
}
const first = options.seed === undefined ? Date.now() % 2 ** 31 : Number(options.seed)
const names = options.part === undefined ? Object.keys(PARTS) : [options.part]
if (options.part === undefined) {
  console.log(`fuzzing from seed ${first}`)
  const seconds = String(Number(options.seconds) / names.length)
  // Each part has a process of its own: damaged code of a trusted program may change anything in the process that runs it.
  for (const name of names) {
    const args = [fileURLToPath(import.meta.url), '--part', name, '--seconds', seconds]
    const seed = options.seed === undefined ? ['--first', String(first)] : ['--seed', options.seed]
    const { status, signal } = spawnSync(process.execPath, [...args, ...seed], { stdio: 'inherit' })
    if (status === 0) continue
    if (signal !== null) console.error(`failed: ${name} was ended by ${signal}`)
    process.exit(1)
  }
} else {
  await runPart(options.part, options.seed === undefined ? Number(options.first ?? first) : first)
}

async function runPart(name: string, from: number): Promise<void> {
  const end = performance.now() + Number(options.seconds) * 1000
  let rounds = 0
  do {
    const seed = from + rounds
    try {
      await PARTS[name](randomOf(seed), seed)
    } catch (error) {
      console.error(error)
      console.error(`\nfailed: npm run fuzz -- --part ${name} --seed ${seed}`)
      process.exit(1)
    }
    rounds++
  } while (options.seed === undefined && performance.now() < end)
  console.log(`${name}: ${rounds} rounds passed from seed ${from}`)
}
