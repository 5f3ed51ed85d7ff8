/**
 * Queues and pipes beside CPython's, Node's IPC and MessagePort: `node dist/bench/channels.js [--rounds N] [--json FILE]`.
 *
 * All take their turn in every round; the first round warms up; medians. A child sends when it is told, so that starting it
 * is not measured; time ends when the last message has been received.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Event, Pipe, Process, Queue, Semaphore, SimpleQueue } from 'multiprocess'
import { describeMachine } from './machine.ts'
import { type Spread, spread } from './statistics.ts'
import * as tasks from './workers/channel-tasks.ts'

const MESSAGES = 100_000
const TRIPS = 10_000
const BLOCKS = 300
const SIZE = 2 ** 20
const PYTHON = fileURLToPath(new URL('../../bench/cpython-channels.py', import.meta.url))
const PEER = fileURLToPath(new URL('./workers/channel-peer.js', import.meta.url))

const UNITS = {
  messages: 'small messages a second, 1 producer, 1 consumer',
  messages2: 'small messages a second, 2 producers, 2 consumers',
  roundTrip: 'round trip, µs',
  bandwidth: 'messages of 1 MiB, GB/s'
}
type Measure = keyof typeof UNITS
type Results = Record<Measure, Record<string, number>>

/** Against which the others are compared. */
const REFERENCE: Record<Measure, string> = {
  messages: 'CPython Queue',
  messages2: 'CPython Queue',
  roundTrip: 'CPython Pipe',
  bandwidth: 'CPython Pipe'
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`channels: --rounds ${values.rounds}: expected a whole number from 1 on`)
  process.exit(2)
}
await compare()

async function compare(): Promise<void> {
  const all: Results[] = []
  for (let round = 0; round <= rounds; round++) {
    const results = merge([await ownResults(), await nodeResults(), pythonResults()])
    results.bandwidth['memcpy, one thread'] = copySpeed()
    if (round > 0) all.push(results)
  }
  const report = Object.fromEntries(
    Object.keys(UNITS).map(key => {
      const measure = key as Measure
      const names = Object.keys(all[0][measure])
      return [measure, Object.fromEntries(names.map(name => [name, spread(all.map(one => one[measure][name]))]))]
    })
  ) as Record<Measure, Record<string, Spread>>
  const machine = describeMachine()
  console.log(`${machine.cpu}, ${machine.cores} processors, ${machine.system}, Node ${machine.node}, ${rounds} rounds`)
  for (const [key, unit] of Object.entries(UNITS)) {
    const measure = key as Measure
    console.log(`\n${unit}`)
    const base = report[measure][REFERENCE[measure]].median
    for (const [name, { median, min, max }] of Object.entries(report[measure])) {
      const ratio = (median / base).toFixed(2)
      console.log(
        `  ${name.padEnd(32)}${show(median).padStart(12)}  (${show(min)} … ${show(max)})  ${ratio} × ${REFERENCE[measure]}`
      )
    }
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ machine, rounds, report }, null, 2))
}

function show(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}

function merge(parts: readonly Partial<Results>[]): Results {
  const results: Results = { messages: {}, messages2: {}, roundTrip: {}, bandwidth: {} }
  for (const part of parts)
    for (const [key, values] of Object.entries(part)) Object.assign(results[key as Measure], values)
  return results
}

function pythonResults(): Partial<Results> {
  const args = [PYTHON, MESSAGES, TRIPS, BLOCKS, SIZE].map(String)
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
    bandwidth: { 'Pipe, recvBytes': await bandwidth() }
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
  const child = start(tasks.putAll, queue, MESSAGES, ready, go)
  await ready.acquire()
  const ms = await timed(async () => {
    go.set()
    if (way === 'sync') for (let i = 0; i < MESSAGES; i++) queue.getSync()
    else for (let i = 0; i < MESSAGES; i++) await queue.get()
  })
  await child.join()
  return (MESSAGES / ms) * 1000
}

async function messages2(): Promise<number> {
  const [ready, done, go] = [new Semaphore(0), new Semaphore(0), new Event()]
  const queue = new Queue<number>()
  const children = [
    start(tasks.putAll, queue, MESSAGES / 2, ready, go),
    start(tasks.putAll, queue, MESSAGES / 2, ready, go),
    start(tasks.getAll, queue, MESSAGES / 2, ready, done),
    start(tasks.getAll, queue, MESSAGES / 2, ready, done)
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
  const child = start(way === 'sync' ? tasks.echoSync : tasks.echo, there as never, TRIPS, ready)
  await ready.acquire()
  const ms = await timed(async () => {
    for (let i = 0; i < TRIPS; i++) {
      if (way === 'sync') {
        here.sendSync(i)
        here.recvSync()
      } else {
        await here.send(i)
        await here.recv()
      }
    }
  })
  await child.join()
  return (ms / TRIPS) * 1000
}

async function bandwidth(): Promise<number> {
  const [receiver, sender] = Pipe({ duplex: false })
  const [ready, go] = [new Semaphore(0), new Event()]
  const child = start(tasks.sendAll, sender, BLOCKS, SIZE, ready, go)
  await ready.acquire()
  const ms = await timed(async () => {
    go.set()
    for (let i = 0; i < BLOCKS; i++) await receiver.recvBytes()
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
    Object.assign(results.messages as object, {
      [name]: (MESSAGES / (await timed(() => ask({ put: MESSAGES }, MESSAGES)))) * 1000
    })
    const tripMs = await timed(async () => {
      for (let i = 0; i < TRIPS; i++) await ask(i, 1)
    })
    Object.assign(results.roundTrip as object, { [name]: (tripMs / TRIPS) * 1000 })
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
