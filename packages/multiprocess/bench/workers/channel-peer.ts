/** The other side of Node's own channels: a forked process, or a thread. */
import { parentPort } from 'node:worker_threads'

/** A number is sent back. */
type Order = { put: number } | { send: number; size: number } | number

function post(value: unknown): void {
  if (parentPort === null) process.send?.(value)
  else parentPort.postMessage(value)
}

function listen(listener: (message: Order) => void): void {
  if (parentPort === null) process.on('message', listener as (message: unknown) => void)
  else parentPort.on('message', listener)
}

/** A send that the channel's buffer takes no more is waited for, so that memory stays flat. */
async function postAll(values: Iterable<unknown>): Promise<void> {
  for (const value of values) {
    if (parentPort !== null) post(value)
    else if (!process.send?.(value)) await new Promise(resolve => setImmediate(resolve))
  }
}

function* numbers(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i
}

function* blocks(count: number, size: number): Generator<Uint8Array> {
  const block = new Uint8Array(size)
  for (let i = 0; i < count; i++) yield block
}

listen((order: Order) => {
  if (typeof order === 'number') post(order)
  else if ('put' in order) void postAll(numbers(order.put))
  else if ('send' in order) void postAll(blocks(order.send, order.size))
})
post('ready')
