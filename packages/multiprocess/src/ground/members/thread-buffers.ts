/**
 * Passes a SharedArrayBuffer from one thread to another as itself, which only the structured clone of a message port can do. A
 * message names the buffer; its reader asks for it on a channel that all threads of the program hear, and its sender answers.
 */
import type { BroadcastChannel as Channel } from 'node:worker_threads'
import { MultiprocessError } from '../../errors.ts'
import { clearTimeout, setTimeout } from '../os/time.ts'

interface Demand {
  readonly want: string
}

interface Answer {
  readonly have: string
  readonly buffer: SharedArrayBuffer
}

/** How long an answer may take, in milliseconds: the sender's event loop may be busy, or its thread gone. */
const PATIENCE_MS = 10_000
const CHANNEL = 'multiprocess:buffers'

const offered = new Map<string, { readonly buffer: SharedArrayBuffer; readonly isOnce: boolean }>()
const wanted = new Map<string, (buffer: SharedArrayBuffer) => void>()
const received = new Map<string, SharedArrayBuffer>()
let channel: Channel | undefined
let count = 0

/**
 * Offers the buffer to threads that ask for it.
 * @param isOnce true to answer only the first thread that asks; false to answer until `withdrawBuffer`
 * @returns the buffer's name
 */
export function offerBuffer(buffer: SharedArrayBuffer, isOnce: boolean): string {
  open()
  const name = `${process.getBuiltinModule('node:worker_threads').threadId}.${count++}`
  offered.set(name, { buffer, isOnce })
  return name
}

export function withdrawBuffer(name: string): void {
  offered.delete(name)
}

/** Asks for the buffer, so that `takeBuffer` finds it. @throws MultiprocessError `ERR_IMPORT` if no thread answers */
export async function requestBuffer(name: string): Promise<void> {
  const channel = open()
  let timer: NodeJS.Timeout | undefined
  try {
    const buffer = await new Promise<SharedArrayBuffer>((resolve, reject) => {
      wanted.set(name, resolve)
      timer = setTimeout(() => {
        reject(
          new MultiprocessError(
            `the SharedArrayBuffer did not come within ${PATIENCE_MS / 1000} s: the thread that sent it is blocked, or has ended`,
            { code: 'ERR_IMPORT' }
          )
        )
      }, PATIENCE_MS)
      channel.postMessage({ want: name } satisfies Demand)
    })
    received.set(name, buffer)
  } finally {
    clearTimeout(timer)
    wanted.delete(name)
  }
}

export function hasBuffer(name: string): boolean {
  return received.has(name)
}

/** Returns the buffer that was asked for, and forgets it. */
export function takeBuffer(name: string): SharedArrayBuffer | undefined {
  const buffer = received.get(name)
  received.delete(name)
  return buffer
}

function open(): Channel {
  if (channel !== undefined) return channel
  const { BroadcastChannel } = process.getBuiltinModule('node:worker_threads')
  channel = new BroadcastChannel(CHANNEL)
  channel.onmessage = (event: unknown) => {
    const message = (event as { data: Demand | Answer }).data
    if ('have' in message) {
      wanted.get(message.have)?.(message.buffer)
      return
    }
    const offer = offered.get(message.want)
    if (offer === undefined) return
    if (offer.isOnce) offered.delete(message.want)
    channel?.postMessage({ have: message.want, buffer: offer.buffer } satisfies Answer)
  }
  channel.unref()
  return channel
}
