/**
 * What Node's `net` has not: a socket that is bound when the call returns, who is at its other end, and its descriptor read
 * and written by a thread that blocks. Where the system calls are not to be had, blocking falls back on `node:fs`.
 */
import { answering } from './report-signal.ts'
import { type NetAddress, socketAddress } from './socket-address.ts'
import { type System, system, systemError } from './system.ts'

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_PEERCRED = 17
const F_DUPFD_CLOEXEC = 1030

const EINTR = 4
const EAGAIN = 11
const ECONNABORTED = 103

const POLLIN = 1
const POLLOUT = 4

/** Without the system calls a thread that blocks looks this often, in milliseconds. */
const LOOK_EVERY_MS = 1

let calls: System | null | undefined

/** null: this platform has them not, or koffi's binary is missing. */
function callsHere(): System | null {
  if (calls === undefined) {
    try {
      calls = system()
    } catch {
      calls = null
    }
  }
  return calls
}

/** Whether sockets can be bound, accepted and asked for their peer here. */
export function hasSocketCalls(): boolean {
  return callsHere() !== null
}

/**
 * A listening socket, which belongs to the caller.
 * @throws MultiprocessError with the system's `code`: EADDRINUSE, EACCES, …
 */
export function bindSocket(address: NetAddress, backlog: number): number {
  const { socket, setsockopt, bind, listen, close } = system()
  const bytes = socketAddress(address)
  const family = typeof address === 'string' ? AF_UNIX : address.host.includes(':') ? AF_INET6 : AF_INET
  const fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw systemError('socket')
  try {
    const one = new Int32Array([1])
    if (family !== AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, one, 4) < 0) throw systemError('setsockopt')
    if (bind(fd, bytes, bytes.length) < 0) throw systemError('bind')
    if (listen(fd, backlog) < 0) throw systemError('listen')
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/**
 * A connection to a unix socket, which is made at once or not at all. Node 20 pads abstract names, which makes other names of
 * them.
 * @throws MultiprocessError with the system's `code`: ECONNREFUSED, EAGAIN, …
 */
export function connectUnix(path: string): number {
  const { socket, connect, close } = system()
  const bytes = socketAddress(path)
  const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw systemError('socket')
  if (connect(fd, bytes, bytes.length) === 0) return fd
  const error = systemError('connect')
  close(fd)
  throw error
}

/** A connection that waits at a listening socket; -1: there is none. */
export function acceptNow(fd: number): number {
  const { accept4, errno } = system()
  for (;;) {
    const accepted = accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC)
    if (accepted >= 0) return accepted
    const error = errno()
    if (error === EAGAIN) return -1
    if (error !== EINTR && error !== ECONNABORTED) throw systemError('accept4', error)
  }
}

/** The user whose process is at the other end of a unix socket: unix(7), SO_PEERCRED. */
export function peerUser(fd: number): number {
  const { getsockopt } = system()
  const credentials = new Int32Array(3)
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, new Int32Array([12])) < 0) throw systemError('getsockopt')
  return credentials[1]
}

/** Another descriptor of the same socket; -1 where that cannot be had. */
export function duplicateSocket(fd: number): number {
  const calls = callsHere()
  if (calls === null) return -1
  const duplicate = calls.fcntl(fd, F_DUPFD_CLOEXEC, 0)
  if (duplicate < 0) throw systemError('fcntl')
  return duplicate
}

export interface Descriptor {
  readonly fd: number
  /** Until it can be written, too. */
  readonly writes?: boolean
}

/** Blocks until something can be read (or written), for so many milliseconds at the most; may return early. */
export function pollDescriptors(descriptors: readonly Descriptor[], timeout: number): void {
  const calls = callsHere()
  const ms = Math.min(Math.max(0, Math.ceil(timeout)), 0x7fffffff)
  if (calls === null) {
    if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(ms, LOOK_EVERY_MS))
    return
  }
  // struct pollfd: fd, events and revents.
  const words = new Int32Array(2 * descriptors.length)
  descriptors.forEach(({ fd, writes }, i) => {
    words[2 * i] = fd
    words[2 * i + 1] = writes ? POLLIN | POLLOUT : POLLIN
  })
  answering(() => {
    if (calls.poll(words, descriptors.length, ms) >= 0) return undefined
    if (calls.errno() !== EINTR) throw systemError('poll')
    return 'interrupted'
  })
}

/** Reads what is there: how many bytes, 0 at the end, -1 when nothing is there. @throws MultiprocessError (ECONNRESET, …) */
export function readNow(fd: number, buffer: Uint8Array): number {
  return transfer('read', fd, buffer)
}

/** Writes what there is room for: how many bytes, -1 when there is none. @throws MultiprocessError (EPIPE, ECONNRESET, …) */
export function writeNow(fd: number, bytes: Uint8Array): number {
  return transfer('write', fd, bytes)
}

function transfer(way: 'read' | 'write', fd: number, bytes: Uint8Array): number {
  const calls = callsHere()
  if (calls === null) {
    const fs = process.getBuiltinModule('node:fs')
    return orWouldBlock(() => (way === 'read' ? fs.readSync(fd, bytes) : fs.writeSync(fd, bytes)))
  }
  for (;;) {
    const count = calls[way](fd, bytes, bytes.length)
    if (count >= 0) return count
    const error = calls.errno()
    if (error === EAGAIN) return -1
    if (error !== EINTR) throw systemError(way, error)
  }
}

function orWouldBlock(call: () => number): number {
  try {
    return call()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return -1
    throw error
  }
}
