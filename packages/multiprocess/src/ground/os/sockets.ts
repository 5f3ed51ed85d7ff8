/**
 * Socket calls that Node's `net` does not have: binding a socket before the call returns, asking for the peer's user, and reading
 * and writing a descriptor from a thread that blocks. Where the system calls are not available, blocking reads and writes use
 * `node:fs`.
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

/** Without the system calls, a blocked thread looks at its descriptors this often, in milliseconds. */
const LOOK_EVERY_MS = 1

let calls: System | null | undefined

/** Returns the system calls, or null if this platform does not have them or koffi's binary is missing. */
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

/** Returns true if this platform can bind sockets, accept connections and ask for a peer. */
export function hasSocketCalls(): boolean {
  return callsHere() !== null
}

/**
 * Returns a listening socket. The caller has to close it.
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
 * Returns a connection to a unix socket; it connects at once or throws. Node 20 pads abstract names, which makes different names
 * of them.
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

/** Accepts a connection that waits at a listening socket, or returns -1 if none waits. */
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

/** Returns the user id of the process at the other end of a unix socket (unix(7), SO_PEERCRED). */
export function peerUser(fd: number): number {
  const { getsockopt } = system()
  const credentials = new Int32Array(3)
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, new Int32Array([12])) < 0) throw systemError('getsockopt')
  return credentials[1]
}

/** Returns another descriptor of the same socket, or -1 if the platform cannot make one. */
export function duplicateSocket(fd: number): number {
  const calls = callsHere()
  if (calls === null) return -1
  const duplicate = calls.fcntl(fd, F_DUPFD_CLOEXEC, 0)
  if (duplicate < 0) throw systemError('fcntl')
  return duplicate
}

export interface Descriptor {
  readonly fd: number
  /** True to wait until the descriptor can be written, too. */
  readonly writes?: boolean
}

/** Blocks until a descriptor can be read (or written), for at most `timeout` milliseconds. May return early. */
export function pollDescriptors(descriptors: readonly Descriptor[], timeout: number): void {
  const calls = callsHere()
  const ms = Math.min(Math.max(0, Math.ceil(timeout)), 0x7fffffff)
  if (calls === null) {
    if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(ms, LOOK_EVERY_MS))
    return
  }
  // An array of struct pollfd: fd, events and revents.
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

/**
 * Reads the available bytes. @returns their count; 0 at the end, -1 if none are available. @throws MultiprocessError (ECONNRESET,
 * …)
 */
export function readNow(fd: number, buffer: Uint8Array): number {
  return transfer('read', fd, buffer)
}

/** Writes as many bytes as fit. @returns their count; -1 if none fit. @throws MultiprocessError (EPIPE, ECONNRESET, …) */
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
