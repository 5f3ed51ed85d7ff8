/** A socket to which other programs connect. */

import { lstatSync, mkdtempSync, rmdirSync, unlinkSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os' // lazy
import { dirname, join, resolve } from 'node:path'
import { checkDuration, checkInteger, optionNames } from '../checks.ts'
import { AuthenticationError, MultiprocessError, ValueError } from '../errors.ts'
import { acceptNow, bindSocket, type Descriptor, hasSocketCalls } from '../ground/os/sockets.ts' // lazy
import { systemError } from '../ground/os/system.ts' // lazy
import { monotonicMs } from '../ground/os/time.ts'
import {
  checkBindAddress,
  describeAddress,
  type HostAndPort,
  isAbstract,
  isLoopback,
  type NetAddress
} from './address.ts'
import { checkPeer, KEEPALIVE_MS } from './connect.ts' // lazy
import { MessageSocket } from './message-socket.ts' // lazy
import { checkSocketOptions, HANDSHAKE_MS, type Settings, type SocketOptions } from './options.ts'
import { Listeners, type SocketSource } from './waiting.ts'

/** How `net.Server` itself creates its handles: it gets a handle, or the negative number of the error. */
interface NetHandles {
  _createServerHandle?(host: string, port: number, family: 4 | 6): { listen(backlog: number): number } | number
}

/** The options of a listening socket. */
export interface ListenOptions extends SocketOptions {
  /** The maximum number of connections that the system queues while this process is busy: listen(2). Default: 511. */
  backlog?: number
  /** The time that a client has to authenticate, in milliseconds. Default: 20,000. */
  handshakeTimeout?: number
}

/** What happens with connections. */
export interface ListenHandlers {
  readonly onSocket: (socket: MessageSocket) => void
  /** Called for a connection that did not authenticate, or ended before. */
  readonly onRefused: (error: AuthenticationError, from: HostAndPort | null) => void
}

const BACKLOG = 511
/** The maximum number of connections that may be authenticating at once. One more, and the oldest is closed. */
const MOST_HANDSHAKES = 4096
const MOST_ACCEPTS = 64

const LISTEN_OPTIONS = optionNames(
  '{ authkey }',
  'authkey',
  'backlog',
  'handshakeTimeout',
  'legacyMd5',
  'maxMessageBytes'
)

/** The file of a socket that this process has bound. */
interface SocketFile {
  /** An absolute path: the working directory may change. */
  readonly path: string
  /** The identity of the file: another program may have put its own file in its place. */
  readonly device: bigint
  readonly inode: bigint
}

/** The files to remove when this process ends. */
const files = new Set<SocketFile>()

export class ListeningSocket implements SocketSource {
  readonly address: NetAddress
  readonly #settings: Settings
  readonly #handshakeTimeout: number
  readonly #handlers: ListenHandlers
  readonly #server: Server
  readonly #handshaking = new Set<MessageSocket>()
  readonly #changes = new Listeners()
  readonly #remove: () => void
  #file: SocketFile | undefined
  #holds = 0
  #isClosed = false

  /**
   * Listens from now on.
   * @param address an own address to which only this user's programs can connect, by default
   * @throws MultiprocessError with the system's `code`: EADDRINUSE, EADDRNOTAVAIL, EACCES, …
   * @throws TypeError, ValueError if the address or an option is invalid
   */
  constructor(address: NetAddress | undefined, options: ListenOptions, handlers: ListenHandlers) {
    this.#settings = checkSocketOptions(options, LISTEN_OPTIONS)
    const { backlog = BACKLOG, handshakeTimeout = HANDSHAKE_MS } = options
    checkInteger('backlog', backlog, 1)
    this.#handshakeTimeout = checkDuration('handshakeTimeout', handshakeTimeout)
    this.#handlers = handlers
    const place = address === undefined ? ownPlace() : { address: checkBindAddress(address), remove: () => {} }
    if (this.#settings.key === undefined && !isLoopback(place.address)) {
      throw new ValueError(
        `cannot listen at ${describeAddress(place.address)} without an authkey: anyone who reaches this machine could connect; ` +
          'give { authkey }, or listen at localhost'
      )
    }
    this.#server = process
      .getBuiltinModule('node:net')
      .createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS }, this.#onConnection)
    // An error of one connection, or a lack of descriptors, need not affect the next connection.
    this.#server.on('error', () => {})
    this.#remove = place.remove
    this.address = this.#listen(place.address, backlog)
    this.#server.unref()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Closes the socket. Connections that have not authenticated are closed; accepted ones stay open. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#server.close()
    for (const socket of this.#handshaking) socket.destroy(undefined)
    this.#handshaking.clear()
    if (this.#file !== undefined) removeFile(this.#file)
    this.#remove()
    this.#changes.notify()
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener)
  }

  /** Wakes those who wait for a connection. */
  notify(): void {
    this.#changes.notify()
  }

  ref(): void {
    if (++this.#holds === 1) this.#server.ref()
  }

  unref(): void {
    if (--this.#holds === 0) this.#server.unref()
  }

  descriptors(): readonly Descriptor[] {
    const fd = this.#descriptor
    if (fd < 0) return []
    return [{ fd }, ...[...this.#handshaking].flatMap(socket => socket.descriptors())]
  }

  /** @throws MultiprocessError `ERR_UNSUPPORTED_PLATFORM` if the platform cannot accept connections while the thread is blocked */
  pump(): void {
    const fd = this.#descriptor
    for (let i = 0; i < MOST_ACCEPTS && fd >= 0; i++) {
      const accepted = acceptNow(fd)
      if (accepted < 0) break
      const socket = new (process.getBuiltinModule('node:net').Socket)({ fd: accepted, readable: true, writable: true })
      if (typeof this.address !== 'string') socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_MS)
      this.#onConnection(socket)
    }
    const now = monotonicMs()
    for (const socket of [...this.#handshaking]) {
      socket.pump()
      socket.expire(now)
    }
  }

  get #descriptor(): number {
    return (this.#server as unknown as { _handle: { fd: number } | null })._handle?.fd ?? -1
  }

  #listen(address: NetAddress, backlog: number): NetAddress {
    if (!hasSocketCalls()) {
      this.#listenByNode(address, backlog)
    } else {
      try {
        this.#server.listen({ fd: bindSocket(address, backlog), backlog })
      } catch (error) {
        this.#remove()
        throw error instanceof ValueError ? error : bindError(address, error as MultiprocessError)
      }
    }
    if (typeof address === 'string') {
      if (!isAbstract(address) && process.platform !== 'win32') this.#file = keepFile(address)
      return address
    }
    const bound = this.#server.address()
    return bound === null || typeof bound === 'string' ? address : { host: bound.address, port: bound.port }
  }

  /** Creates and binds a handle at once: `listen({ host, port })` would bind in a later turn of the event loop. */
  #listenByNode(address: NetAddress, backlog: number): void {
    if (typeof address === 'string') {
      this.#server.listen({ path: address, backlog })
      return
    }
    const { host, port } = address
    const net = process.getBuiltinModule('node:net') as typeof import('node:net') & NetHandles
    const handle = net._createServerHandle?.(host, port, net.isIPv6(host) ? 6 : 4)
    // listen(2), and not bind(2), reports that an address is taken.
    const error = typeof handle === 'number' ? handle : (handle?.listen(backlog) ?? 0)
    if (error < 0) {
      this.#remove()
      throw bindError(address, systemError('listen', -error))
    }
    // Bun and Deno have no such handles, and bind at once.
    if (handle === undefined) this.#server.listen({ host, port, backlog })
    else this.#server.listen(handle, backlog)
  }

  readonly #onConnection = (socket: Socket): void => {
    let messages: MessageSocket
    try {
      if (this.#settings.key === undefined && isAbstract(this.address)) checkPeer(socket)
      messages = new MessageSocket(socket)
    } catch (error) {
      socket.on('error', () => {})
      socket.destroy()
      if (error instanceof AuthenticationError) this.#handlers.onRefused(error, null)
      return
    }
    if (this.#handshaking.size >= MOST_HANDSHAKES) {
      const [oldest] = this.#handshaking
      oldest.destroy(
        new AuthenticationError('too many other clients are about to show their keys; connect again later')
      )
    }
    this.#handshaking.add(messages)
    messages.start({
      role: 'listener',
      settings: this.#settings,
      handshakeTimeout: this.#handshakeTimeout,
      settled: error => {
        this.#handshaking.delete(messages)
        if (this.#isClosed) {
          messages.destroy(undefined)
        } else if (error === undefined) {
          this.#handlers.onSocket(messages)
        } else {
          this.#handlers.onRefused(error as AuthenticationError, messages.remoteAddress)
        }
      }
    })
  }
}

/**
 * Returns a new address. On Linux, it is an abstract name: the name goes with the socket, however the process ends, and only programs of
 * this user are accepted. On other systems, it is a file in a new directory that only this user can enter (mkdtemp(3)).
 */
function ownPlace(): { address: NetAddress; remove: () => void } {
  if (process.platform === 'linux' && hasSocketCalls()) {
    return {
      address: `\0multiprocess-${process.getBuiltinModule('node:crypto').randomBytes(16).toString('hex')}`,
      remove: () => {}
    }
  }
  // Named pipes are not files: they go with the process.
  if (process.platform === 'win32') {
    const name = process.getBuiltinModule('node:crypto').randomBytes(16).toString('hex')
    return { address: `\\\\.\\pipe\\multiprocess-${name}`, remove: () => {} }
  }
  const directory = mkdtempSync(join(tmpdir(), 'multiprocess-'))
  return { address: join(directory, 'listener'), remove: () => removeDirectory(directory) }
}

function removeDirectory(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // The file no longer exists.
  }
}

/**
 * Returns undefined if the identity of the file cannot be read. The file is then left in place, because the next program's may replace it.
 */
function keepFile(address: string): SocketFile | undefined {
  const path = resolve(address)
  try {
    const { dev: device, ino: inode } = lstatSync(path, { bigint: true })
    const file = { path, device, inode }
    if (files.size === 0) process.once('exit', removeFiles)
    files.add(file)
    return file
  } catch {
    return undefined
  }
}

/** Removes the file, unless another file has its name by now. */
function removeFile(file: SocketFile): void {
  if (!files.delete(file)) return
  if (files.size === 0) process.off('exit', removeFiles)
  const { path, device, inode } = file
  try {
    const { dev, ino } = lstatSync(path, { bigint: true })
    if (dev === device && ino === inode) unlinkSync(path)
  } catch {
    // The file no longer exists.
  }
}

function removeFiles(): void {
  for (const file of [...files]) {
    removeFile(file)
    const directory = dirname(file.path)
    if (directory.startsWith(join(tmpdir(), 'multiprocess-'))) removeDirectory(directory)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen there',
  ENOENT: 'the directory does not exist'
}

function bindError(address: NetAddress, cause: MultiprocessError): MultiprocessError {
  const { code } = cause
  const left = typeof address === 'string' && !isAbstract(address) && code === 'EADDRINUSE'
  return new MultiprocessError(
    `cannot listen at ${describeAddress(address)}: ${REASONS[code] ?? cause.message} (${code})${
      left ? '; if no program listens there, a killed program has left the file: remove it' : ''
    }`,
    { code, cause }
  )
}
