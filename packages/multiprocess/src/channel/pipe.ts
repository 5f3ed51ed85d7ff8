/**
 * The two ends of a pipe: Python's `multiprocessing.Pipe`. A pipe has one ring for each direction. An end is a shared block that
 * keeps the rings it uses. The block goes once no process has it and no message carries it, and then the rings' words record it:
 * a receiver finds the end of the messages, and a sender learns that no process would receive.
 */

import { checkBoolean, checkOptions, optionNames } from '../checks.ts'
import { kindNumber } from '../ground/arena/block-kinds.ts'
import { currentFamily, type Family } from '../ground/family.ts' // lazy
import type { StartMethod } from '../ground/members/platform.ts'
import { type Handle, isShared, keepFor, letGo, originOf, payloadAt } from '../memory/shared-object.ts'
import { type Connection, connectionOver } from './connection.ts'
import { RECEIVING_END, Ring, SENDING_END } from './ring.ts' // lazy
import { RING_BYTES } from './ring-size.ts'
import { RingTransport } from './ring-transport.ts' // lazy

/** The bytes that wait in one direction of a pipe before a sender waits, too. A longer message waits until the pipe is empty. */
const MOST_BYTES = 2 ** 22
const READABLE = 1
const WRITABLE = 2
/** The place of the mode, after the two links. */
const MODE = 24
const END_BYTES = 28

const ends = new WeakSet<Connection>()

/** Returns true if a connection is an end of a pipe, closed or not. */
export function isPipeEnd(connection: Connection): boolean {
  return ends.has(connection)
}

/** Returns an object for an end that exists. */
export function connectionAt(handle: Handle): Connection {
  const { family, at } = handle
  const mode = family.memory.get(payloadAt(handle) + MODE)
  let link = 0
  const from = mode & READABLE ? new Ring({ family, at: family.shared.linked(at, link++) }) : undefined
  const to = mode & WRITABLE ? new Ring({ family, at: family.shared.linked(at, link) }) : undefined
  const release = (): void => {
    const object = end.deref()
    if (object !== undefined && isShared(object)) letGo(object)
  }
  const transport = new RingTransport({ family, from, to, release })
  const connection = connectionOver(transport)
  const end = new WeakRef(connection)
  ends.add(connection)
  // Code that waits in the transport may have dropped the connection.
  keepFor(connection, handle, transport)
  return connection
}

/** The options of `Pipe`. */
export interface PipeOptions {
  /** True: both ends send and receive. False: the first end only receives, the second only sends. Default: true. */
  duplex?: boolean
}

const PIPE_OPTIONS = optionNames('{ duplex: false }', 'duplex')

export function pipeOver<T>(method: StartMethod, options: PipeOptions = {}): [Connection<T>, Connection<T>] {
  checkOptions(options, PIPE_OPTIONS)
  const { duplex = true } = options
  checkBoolean('duplex', duplex)
  const family = currentFamily(method)
  const { shared } = family
  const forward = makeRing(family)
  const back = duplex ? makeRing(family) : undefined
  const first = makeEnd(family, forward, back)
  const second = makeEnd(family, back, forward)
  // The ends keep the rings from now on.
  shared.drop(forward)
  if (back !== undefined) shared.drop(back)
  return [connectionAt({ family, at: first }), connectionAt({ family, at: second })] as [Connection<T>, Connection<T>]
}

function makeRing(family: Family): number {
  const at = family.shared.create(RING_BYTES, originOf('Pipe'), kindNumber('Pipe'))
  new Ring({ family, at }, { messages: 0, bytes: MOST_BYTES })
  return at
}

function makeEnd(family: Family, from: number | undefined, to: number | undefined): number {
  const at = family.shared.create(END_BYTES)
  const links = []
  if (from !== undefined) links.push({ block: from, ...RECEIVING_END })
  if (to !== undefined) links.push({ block: to, ...SENDING_END })
  family.shared.link(at, links)
  const mode = (from === undefined ? 0 : READABLE) | (to === undefined ? 0 : WRITABLE)
  family.memory.set(payloadAt({ family, at }) + MODE, mode)
  return at
}
