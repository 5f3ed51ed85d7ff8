/**
 * The value codec beside what Node has: `node dist/bench/codec.js`.
 *
 * Every payload comes in several variants, which take turns, so that nothing is fast for having seen the very same value
 * before. In every round each contestant runs once, one after another, and who begins changes from round to round; the
 * figures are medians over the rounds. The codec writes into one large target, as a pool does into its ring;
 * `v8.serialize` and JSON make a buffer, or a string, of their own each time: that is their interface.
 *
 * `across` is what a value costs from one program's memory to another's, but for the waking: the message is written to memory that
 * both have, and read from there into values that are still good when that memory is used again. What made a buffer of its own
 * has to copy it there, and, as `v8.deserialize` hands out windows into the message, out of there again.
 *
 * `ours, no key` decodes within the budget that programs get which have not shown a key.
 *
 * Memory that was freed is kept, as in every process that has received something long.
 */
import { isDeepStrictEqual, parseArgs } from 'node:util'
import v8 from 'node:v8'
import { Packr } from 'msgpackr'
import { decode } from '../src/codec/decode.ts'
import { Encoder } from '../src/codec/encode.ts'
import { keepFreedMemory } from '../src/ground/os/malloc.ts'
import { describeMachine } from './machine.ts'
import { spread } from './statistics.ts'

const VARIANTS = 8

/** Works on variant after variant, `count` times in all. */
type Run = (count: number) => void

interface Contestant {
  readonly name: string
  /** Whether it can carry the value. */
  fits(value: unknown): boolean
  /** Each makes ready what is not to be measured. */
  readonly encode?: (values: readonly unknown[]) => Run
  readonly decode?: (values: readonly unknown[]) => Run
  readonly both: (values: readonly unknown[]) => Run
  readonly across?: (values: readonly unknown[]) => Run
  bytes?(value: unknown): number
}

/** Keeps results from being optimised away. */
let sink: unknown

/** The memory that both programs have. */
const shared = new Uint8Array(64 << 20)

function each(work: (variant: number) => void): Run {
  return count => {
    for (let i = 0; i < count; i++) work(i % VARIANTS)
  }
}

/** @param isUntrusted messages are decoded as those of a program that has not shown a key: within a budget of memory and work */
function ours(isUntrusted: boolean): Contestant {
  const encoder = new Encoder()
  encoder.audience = isUntrusted ? 'stranger' : 'family'
  const room = shared.length / VARIANTS
  const both = (values: readonly unknown[]): Run =>
    each(variant => {
      encoder.encode(values[variant], shared)
      sink = decode(shared, encoder.start, encoder.end, null, isUntrusted)
    })
  return {
    name: isUntrusted ? 'ours, no key' : 'ours',
    fits: () => true,
    encode: values => each(variant => encoder.encode(values[variant], shared)),
    decode: values => {
      const [starts, ends] = [[] as number[], [] as number[]]
      for (const [i, value] of values.entries()) {
        // Large payloads share one place: then all variants decode the last one.
        encoder.encode(value, shared, i * room, (i + 1) * room)
        if (encoder.bytes !== shared) encoder.encode(value, shared)
        starts.push(encoder.start)
        ends.push(encoder.end)
      }
      return each(variant => {
        sink = decode(shared, starts[variant], ends[variant], null, isUntrusted)
      })
    },
    both,
    across: both,
    bytes: value => {
      for (let i = 0; i < 3; i++) encoder.encode(value, shared)
      return encoder.end - encoder.start
    }
  }
}

function copying<M>(
  name: string,
  encode: (value: unknown) => M,
  decode: (message: M) => unknown,
  fits: (value: unknown) => boolean,
  bytes: (message: M) => number,
  /** Takes the message there, and back. */
  carry: (message: M) => M
): Contestant {
  return {
    name,
    fits,
    encode: values =>
      each(variant => {
        sink = encode(values[variant])
      }),
    decode: values => {
      const messages = values.map(encode)
      return each(variant => {
        sink = decode(messages[variant])
      })
    },
    both: values =>
      each(variant => {
        sink = decode(encode(values[variant]))
      }),
    across: values =>
      each(variant => {
        sink = decode(carry(encode(values[variant])))
      }),
    bytes: value => bytes(encode(value))
  }
}

const sharedBuffer = Buffer.from(shared.buffer)

function copyThere(message: Uint8Array): number {
  shared.set(message)
  return message.length
}

const V8 = copying<Buffer>(
  'v8.serialize',
  v8.serialize,
  v8.deserialize,
  () => true,
  message => message.length,
  message => {
    const length = copyThere(message)
    const copy = Buffer.allocUnsafe(length)
    sharedBuffer.copy(copy, 0, 0, length)
    return copy
  }
)

const json = copying<string>(
  'JSON',
  value => JSON.stringify(value),
  message => JSON.parse(message),
  value => isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value),
  message => Buffer.byteLength(message),
  message => sharedBuffer.toString('utf8', 0, sharedBuffer.write(message))
)

/** As fast as it goes: records for objects of one shape, which both ends learn; what it drops it does not run with. */
const packr = new Packr({ structures: [] })
const msgpack = copying<Uint8Array>(
  'msgpackr',
  value => packr.pack(value),
  message => packr.unpack(message),
  value => isDeepStrictEqual(packr.unpack(packr.pack(value)), value),
  message => message.length,
  message => sharedBuffer.subarray(0, copyThere(message))
)

const clone: Contestant = {
  name: 'structuredClone',
  fits: () => true,
  both: values =>
    each(variant => {
      sink = structuredClone(values[variant])
    })
}

function row(i: number): unknown {
  return {
    id: 1000 + i * 37,
    name: `user number ${i}`,
    email: `user${i}@example.com`,
    active: i % 3 === 0,
    score: i * 1.37,
    tags: ['alpha', 'beta', `g${i % 5}`],
    address: { street: `${i} Main Street`, city: ['Paris', 'London', 'Rome'][i % 3], zip: String(10_000 + i * 77) }
  }
}

/** By name: variant `i` of each. */
const payloads: Readonly<Record<string, (i: number) => unknown>> = {
  number: i => i * 12_345,
  '[number]': i => [i],
  'short string': i => `hello world ${i}`,
  '[id, args]': i => [100_000 + i, ['square', i]],
  '5-field object': i => ({ id: i, name: `some name ${i}`, ok: true, score: i + 0.5, tag: null }),
  '10 KB JSON-like': i => Array.from({ length: 52 }, (_, j) => row(i * 52 + j)),
  '1,000 integers': i => Array.from({ length: 1000 }, (_, j) => i + j * 7),
  'Map of 100': i => new Map(Array.from({ length: 100 }, (_, j) => [`key${j}`, i + j])),
  'object of 200 keys': i => Object.fromEntries(Array.from({ length: 200 }, (_, j) => [`key${j}`, i + j])),
  Error: i => new TypeError(`failure ${i}`),
  'Float64Array of 8': i => new Float64Array(8).fill(i),
  '1 MB string': i => String.fromCharCode(97 + i).repeat(1 << 20),
  '8 MB Float64Array': i => new Float64Array(1 << 20).fill(i)
}

type Operation = 'encode' | 'decode' | 'both' | 'across'
const OPERATIONS: readonly Operation[] = ['encode', 'decode', 'both', 'across']

interface Settings {
  readonly rounds: number
  readonly sampleMs: number
}

/** Median nanoseconds per operation, by contestant: of processor time, which other programs disturb less. */
function measure(
  contestants: readonly Contestant[],
  operation: Operation,
  values: readonly unknown[],
  settings: Settings
) {
  const runs = contestants.map(contestant => {
    const work = contestant[operation]!(values)
    const run = (count: number): number => {
      const begin = process.cpuUsage()
      work(count)
      const { user, system } = process.cpuUsage(begin)
      return (user + system) * 1000
    }
    let count = VARIANTS
    while (run(count) < settings.sampleMs * 2e5) count *= 2
    run(count * 5)
    return {
      run,
      count: Math.max(VARIANTS, Math.round((count * settings.sampleMs * 1e6) / run(count))),
      samples: [] as number[]
    }
  })
  for (let round = 0; round < settings.rounds; round++) {
    for (let i = 0; i < runs.length; i++) {
      const { run, count, samples } = runs[(round + i) % runs.length]
      samples.push(run(count) / count)
    }
  }
  return runs.map(({ samples }) => spread(samples).median)
}

function format(ns: number): string {
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`
  if (ns >= 1e4) return `${(ns / 1e3).toFixed(1)} us`
  return `${ns.toFixed(0)} ns`
}

function bench(names: readonly string[], settings: Settings): void {
  const machine = describeMachine()
  console.log(
    `Node ${machine.node}, ${machine.cpu}, ${machine.cores} cores; processor time, medians of ${settings.rounds} rounds`
  )
  console.log(
    'v8.deserialize hands out typed arrays as windows into the message; ours are copies, as the message is reused. across: through memory that is.\n'
  )
  keepFreedMemory()
  const all = [ours(false), ours(true), V8, msgpack, json, clone]
  // Every contestant meets every payload before the first figure: programs that send one kind of value only are rare.
  for (const make of Object.values(payloads)) {
    const values = Array.from({ length: VARIANTS }, (_, i) => make(i))
    for (const contestant of all) if (contestant.fits(values[0])) contestant.both(values)(2 * VARIANTS)
  }
  for (const name of names) {
    const values = Array.from({ length: VARIANTS }, (_, i) => payloads[name](i))
    const contestants = all.filter(contestant => contestant.fits(values[0]))
    const bytes = contestants.filter(({ bytes }) => bytes !== undefined)
    console.log(
      `${name}   ${bytes.map(contestant => `${contestant.name} ${contestant.bytes!(values[1])} bytes`).join(', ')}`
    )
    for (const operation of OPERATIONS) {
      const able = contestants.filter(contestant => contestant[operation] !== undefined)
      const medians = measure(able, operation, values, settings)
      const cells = able.map(({ name }, i) => {
        const times = i === 0 ? '' : ` (x${(medians[i] / medians[0]).toFixed(2)})`
        return `${name} ${format(medians[i])}${times}`.padEnd(34)
      })
      console.log(`  ${operation.padEnd(8)}${cells.join('')}`.trimEnd())
    }
  }
  console.log('\n(x2.00): takes twice the time of ours')
  if (sink === bench) console.log()
}

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, ms: { type: 'string', default: '10' }, only: { type: 'string' } }
})
const chosen = options.only?.split(';') ?? Object.keys(payloads)
const unknown = chosen.filter(name => !Object.hasOwn(payloads, name))
if (unknown.length > 0) {
  console.error(
    `no payload ${unknown.map(name => JSON.stringify(name)).join(', ')}; there are, to be parted by ";": ${Object.keys(payloads).join('; ')}`
  )
  process.exitCode = 1
} else {
  bench(chosen, { rounds: Number(options.rounds), sampleMs: Number(options.ms) })
}
