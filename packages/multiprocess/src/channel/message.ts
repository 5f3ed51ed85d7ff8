/** Values as messages of a ring, and back. */
import { decode, missingModulesOf } from '../codec/decode.ts'
import { Encoder, type Releases, runAll } from '../codec/encode.ts'
import { importModule } from '../codec/module-imports.ts'
import { MultiprocessError } from '../errors.ts'
import type { LongMessage, Parcel, Ring } from './ring.ts'

const encoder = new Encoder()

/** A value on its way: what must be given back when it is not sent after all. */
export interface Letter {
  readonly parcel: Parcel
  readonly releases: Releases
}

/**
 * The letter stands in memory that the next one is written to: to be sent at once, or kept by `keepLetter`.
 * @throws SerializationError when the value cannot cross
 */
export function writeLetter(ring: Ring, value: unknown, path: string): Letter {
  encoder.encode(value, undefined, 0, 0, path)
  const { bytes, start, end, releases } = encoder
  try {
    return { parcel: ring.pack(bytes, start, end - start), releases }
  } catch (error) {
    runAll(releases)
    throw error
  }
}

/** The same letter, in memory of its own. */
export function keepLetter({ parcel, releases }: Letter): Letter {
  if (parcel.chunk !== 0) return { parcel, releases }
  const { bytes, start, length } = parcel
  return { parcel: { bytes: bytes.slice(start, start + length), start: 0, length, chunk: 0 }, releases }
}

export function discardLetter(ring: Ring, { parcel, releases }: Letter): void {
  ring.discard(parcel)
  runAll(releases)
}

/** A value whose modules had to be imported first. */
export class Pending {
  readonly promise: Promise<unknown>

  constructor(promise: Promise<unknown>) {
    this.promise = promise
  }
}

/** What was received, read: a value or a Pending. */
export function readLetter(ring: Ring, message: number | LongMessage): unknown {
  if (typeof message === 'number') {
    const { scratch } = ring
    const modules = missingModulesOf(scratch, 0, message)
    if (modules.length > 0) return readOnceImported(scratch.slice(0, message), modules)
    // Reading may run a class's own code, and that may receive.
    ring.scratch = NO_SCRATCH
    try {
      return decode(scratch, 0, message, true)
    } finally {
      ring.scratch = scratch
    }
  }
  try {
    return ring.read(message, (bytes, start) => {
      const modules = missingModulesOf(bytes, start, start + message.length)
      if (modules.length > 0) return readOnceImported(bytes.slice(start, start + message.length), modules)
      return decode(bytes, start, start + message.length, true)
    })
  } finally {
    ring.free(message)
  }
}

const NO_SCRATCH = new Uint8Array(0)

function readOnceImported(bytes: Uint8Array, modules: readonly string[]): Pending {
  return new Pending(Promise.all(modules.map(importModule)).then(() => decode(bytes, 0, bytes.length, true)))
}

/** Leaves a message that cannot be read without waiting. */
export function checkReadable(bytes: Uint8Array, start: number, end: number): void {
  const modules = missingModulesOf(bytes, start, end)
  if (modules.length === 0) return
  throw new MultiprocessError(
    `cannot receive the next message without waiting: it needs modules that are yet to be imported (${modules.join(', ')}). ` +
      'Receive it with the asynchronous method; it is still there',
    { code: 'ERR_IMPORT' }
  )
}
