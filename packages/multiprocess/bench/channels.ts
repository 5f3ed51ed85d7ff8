/**
 * Queues and pipes side by side with CPython's, Node's IPC and MessagePort: `node dist/bench/channels.js [--rounds N] [--json FILE]`.
 *
 * All in turn in every round, medians. Both ends are started, and have passed some messages, before the clock starts; it ends when
 * the last message has been received. A child sends when it is told.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Event, Pipe, Process, Queue, Semaphore, SimpleQueue } from 'multiprocess'
import { describeMachine, othersUse } from './machine.ts'
import { type Spread, spread } from './statistics.ts'
import * as tasks from './workers/channel-tasks.ts'

/** So many that V8 has compiled what passes them by the time that those before the clock starts have come. */
const MESSAGES = 250_000
const TRIPS = 10_000
const BLOCKS = 300
const SIZE = 2 ** 20
/** One of so many is passed beforehand as well. */
const WARM_UP = 5
const PYTHON = fileURLToPath(new URL('../../bench/cpython-channels.py', import.meta.url))
const PEER = fileURLToPath(new URL('./workers/channel-peer.js', import.meta.url))

const MEASURES = ['messages', 'messages2', 'roundTrip', 'bandwidth'] as const
type Measure = (typeof MEASURES)[number]
type Results = Record<Measure, Record<string, number>>

/** `goal`: how many times better than CPython's `reference` what is named in `judged` is to be. */
const ROWS: Record<
  Measure,
  { name: string; unit: string; isRate: boolean; reference: string; judged: string[]; goal: number }
> = {
  messages: {
    name: 'small messages, 1 producer, 1 consumer',
    unit: '/s',
    isRate: true,
    reference: 'CPython Queue',
    judged: ['Queue, get', 'Queue, getSync'],
    goal: 15
  },
  messages2: {
    name: 'small messages, 2 producers, 2 consumers',
    unit: '/s',
    isRate: true,
    reference: 'CPython Queue',
    judged: ['Queue, getSync'],
    goal: 8
  },
  roundTrip: {
    name: 'round trip, both sides awake',
    unit: 'µs',
    isRate: false,
    reference: 'CPython Pipe',
    judged: ['Pipe, recv', 'Pipe, recvSync'],
    goal: 5
  },
  bandwidth: {
    name: 'messages of 1 MiB',
    unit: 'GB/s',
    isRate: true,
    reference: 'CPython Pipe',
    judged: ['Pipe, recvBytes', 'Pipe, recvBytesSync'],
    goal: 4
  }
}
const COPY = 'memcpy, one thread'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`channels: --rounds ${values.rounds}: expected a whole number from 1 on`)
  process.exit(2)
}
await compare()

async function compare(): Promise<void> {
  const all: Results[] = []
  const others: number[] = []
  for (let round = -1; round < rounds; round++) {
    others.push(await othersUse(100))
    const results = merge([await ownResults(), await nodeResults(), pythonResults()])
    results.bandwidth[COPY] = copySpeed()
    // The first round warms up.
    if (round >= 0) all.push(results)
  }
  const machine = describeMachine()
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${rounds} rounds in turn`)
  console.log(`other programs used ${Math.round(spread(others).median * 100)} % of the processors between the rounds`)
  const table: Record<string, unknown> = {}
  for (const measure of MEASURES) {
    const spreads = Object.fromEntries(
      Object.keys(all[0][measure]).map(name => [name, spread(all.map(one => one[measure][name]))])
    )
    print(measure, spreads)
    const { goal, reference, judged } = ROWS[measure]
    table[measure] = { spreads, reference, ratios: judged.map(name => ratio(measure, spreads, name)), judged, goal }
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine, rounds, othersUse: spread(others), table }, null, 2)}\n`)
  }
}

/** How many times better than CPython. */
function ratio(measure: Measure, spreads: Record<string, Spread>, name: string): number {
  const { isRate, reference } = ROWS[measure]
  const [value, base] = [spreads[name].median, spreads[reference].median]
  return isRate ? value / base : base / value
}

function print(measure: Measure, spreads: Record<string, Spread>): void {
  const { name: title, unit, reference, judged, goal } = ROWS[measure]
  console.log(`\n${title}`)
  for (const [name, { median, min, max }] of Object.entries(spreads)) {
    const times = ratio(measure, spreads, name)
    const figures = `${show(median).padStart(10)} ${unit} (${show(min)} to ${show(max)})`
    const compared = name === reference ? '' : `: ${times.toFixed(1)} × ${reference}`
    const outcome = judged.includes(name) ? `, goal ${goal}: ${times >= goal ? 'met' : 'missed'}` : ''
    const part =
      COPY in spreads && judged.includes(name)
        ? `; ${((median / spreads[COPY].median) * 100).toFixed(0)} % of memcpy`
        : ''
    console.log(`  ${name.padEnd(22)} ${figures}${compared}${outcome}${part}`)
  }
}

function show(value: number): string {
  return value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en')
}

function merge(parts: readonly Partial<Results>[]): Results {
  const results: Results = { messages: {}, messages2: {}, roundTrip: {}, bandwidth: {} }
  for (const part of parts)
    for (const [key, values] of Object.entries(part)) Object.assign(results[key as Measure], values)
  return results
}

function pythonResults(): Partial<Results> {
  const args = [PYTHON, MESSAGES, TRIPS, BLOCKS, SIZE, WARM_UP].map(String)
  return JSON.parse(execFileSync('python3', args, { encoding: 'utf8' }))
}

async function ownResults(): Promise<Partial<Results>> {
  return {
    messages: {
      'Queue, get': await messages(new Queue<number>(), 'async'),
      'Queue, getSync': await messages(new Queue<number>(), 'sync'),
      'SimpleQueue, get': await messages(new SimpleQueue<number>(), 'async'),
      'SimpleQueue, getSync': await messages(new SimpleQueue<number>(), 'sync')
    },
    messages2: { 'Queue, getSync': await messages2() },
    roundTrip: { 'Pipe, recv': await roundTrip('async'), 'Pipe, recvSync': await roundTrip('sync') },
    bandwidth: {
      'Pipe, recvBytes': await bandwidth('async'),
      'Pipe, recvBytesSync': await bandwidth('sync')
    }
  }
}

function start<A extends unknown[]>(target: (...args: A) => unknown, ...args: A): Process<A> {
  const child = new Process({ target, args })
  child.start()
  return child
}

/** Milliseconds of `action`. */
async function timed(action: () => unknown): Promise<number> {
  const begin = performance.now()
  await action()
  return performance.now() - begin
}

async function messages(queue: Queue<number> | SimpleQueue<number>, way: 'sync' | 'async'): Promise<number> {
  const [ready, go] = [new Semaphore(0), new Event()]
  const child = start(tasks.putAll, queue, WARM_UP, MESSAGES, ready, go)
  const getAll = async (count: number) => {
    if (way === 'sync') for (let i = 0; i < count; i++) queue.getSync()
    else for (let i = 0; i < count; i++) await queue.get()
  }
  await getAll(MESSAGES / WARM_UP)
  await ready.acquire()
  const ms = await timed(() => {
    go.set()
    return getAll(MESSAGES)
  })
  await child.join()
  return (MESSAGES / ms) * 1000
}

async function messages2(): Promise<number> {
  const [ready, done, go] = [new Semaphore(0), new Semaphore(0), new Event()]
  const queue = new Queue<number>()
  const children = [
    start(tasks.putAll, queue, WARM_UP, MESSAGES / 2, ready, go),
    start(tasks.putAll, queue, WARM_UP, MESSAGES / 2, ready, go),
    start(tasks.getAll, queue, WARM_UP, MESSAGES / 2, ready, go, done),
    start(tasks.getAll, queue, WARM_UP, MESSAGES / 2, ready, go, done)
  ]
  for (const _ of children) await ready.acquire()
  const ms = await timed(async () => {
    go.set()
    await done.acquire()
    await done.acquire()
  })
  for (const child of children) await child.join()
  return (MESSAGES / ms) * 1000
}

/** Microseconds. */
async function roundTrip(way: 'sync' | 'async'): Promise<number> {
  const [here, there] = Pipe<number>()
  const ready = new Semaphore(0)
  const child = start(way === 'sync' ? tasks.echoSync : tasks.echo, there as never, TRIPS / WARM_UP + TRIPS, ready)
  await ready.acquire()
  const travel = async (trips: number) => {
    for (let i = 0; i < trips; i++) {
      if (way === 'sync') {
        here.sendSync(i)
        here.recvSync()
      } else {
        await here.send(i)
        await here.recv()
      }
    }
  }
  await travel(TRIPS / WARM_UP)
  const ms = await timed(() => travel(TRIPS))
  await child.join()
  return (ms / TRIPS) * 1000
}

async function bandwidth(way: 'sync' | 'async'): Promise<number> {
  const [receiver, sender] = Pipe({ duplex: false })
  const [ready, go] = [new Semaphore(0), new Event()]
  const sendAll = way === 'sync' ? tasks.sendAllSync : tasks.sendAll
  const child = start(sendAll, sender, WARM_UP, BLOCKS, SIZE, ready, go)
  const receiveAll = async (count: number) => {
    if (way === 'sync') for (let i = 0; i < count; i++) receiver.recvBytesSync()
    else for (let i = 0; i < count; i++) await receiver.recvBytes()
  }
  await receiveAll(BLOCKS / WARM_UP)
  await ready.acquire()
  const ms = await timed(() => {
    go.set()
    return receiveAll(BLOCKS)
  })
  await child.join()
  return (BLOCKS * SIZE) / ms / 1e6
}

/** GB/s of copying a block of that size, again and again, between two places. */
function copySpeed(): number {
  const [from, to] = [new Uint8Array(SIZE).fill(1), new Uint8Array(SIZE).fill(2)]
  const begin = performance.now()
  for (let i = 0; i < BLOCKS * 4; i++) to.set(from)
  return (BLOCKS * 4 * SIZE) / (performance.now() - begin) / 1e6
}

async function nodeResults(): Promise<Partial<Results>> {
  const results: Partial<Results> = { messages: {}, roundTrip: {}, bandwidth: {} }
  for (const [name, open] of [
    ['Node IPC, advanced', openProcess],
    ['MessagePort', openThread]
  ] as const) {
    const peer = open()
    await once(peer.emitter, 'message')
    const receive = (count: number) =>
      new Promise<void>(resolve => {
        const listener = () => {
          if (--count > 0) return
          peer.emitter.off('message', listener)
          resolve()
        }
        peer.emitter.on('message', listener)
      })
    const ask = async (order: unknown, count: number) => {
      const received = receive(count)
      peer.post(order)
      await received
    }
    await ask({ put: MESSAGES / WARM_UP }, MESSAGES / WARM_UP)
    Object.assign(results.messages as object, {
      [name]: (MESSAGES / (await timed(() => ask({ put: MESSAGES }, MESSAGES)))) * 1000
    })
    for (let i = 0; i < TRIPS / WARM_UP; i++) await ask(i, 1)
    const tripMs = await timed(async () => {
      for (let i = 0; i < TRIPS; i++) await ask(i, 1)
    })
    Object.assign(results.roundTrip as object, { [name]: (tripMs / TRIPS) * 1000 })
    await ask({ send: BLOCKS / WARM_UP, size: SIZE }, BLOCKS / WARM_UP)
    const blockMs = await timed(() => ask({ send: BLOCKS, size: SIZE }, BLOCKS))
    Object.assign(results.bandwidth as object, { [name]: (BLOCKS * SIZE) / blockMs / 1e6 })
    await peer.end()
  }
  return results
}

interface Peer {
  readonly emitter: ChildProcess | Worker
  post(value: unknown): void
  end(): Promise<unknown>
}

function openProcess(): Peer {
  const child = fork(PEER, { serialization: 'advanced' })
  const ended = once(child, 'exit')
  return {
    emitter: child,
    post: value => child.send(value as never),
    end: () => {
      child.disconnect()
      return ended
    }
  }
}

function openThread(): Peer {
  const worker = new Worker(PEER)
  return { emitter: worker, post: value => worker.postMessage(value), end: () => worker.terminate() }
}
