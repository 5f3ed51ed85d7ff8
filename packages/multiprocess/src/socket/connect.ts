/** Connects to a listener. */

import type { Socket } from 'node:net'
import { checkDuration, optionNames } from '../checks.ts'
import { AuthenticationError, MultiprocessError, TimeoutError } from '../errors.ts'
import { connectUnix, hasSocketCalls, peerUser } from '../ground/os/sockets.ts' // lazy
import { clearTimeout, monotonicMs, setTimeout } from '../ground/os/time.ts'
import { checkSignal, type WaitOptions } from '../ground/waitable.ts'
import { checkAddress, describeAddress, isAbstract, type NetAddress } from './address.ts'
import { MessageSocket } from './message-socket.ts' // lazy
import { checkSocketOptions, HANDSHAKE_MS, type SocketOptions } from './options.ts'

/** The options of a connection to a listener. */
export interface ConnectOptions extends SocketOptions, WaitOptions {
  /** The time for connecting and authenticating together, in milliseconds. Default: 20,000. */
  timeout?: number
}

const CONNECT_OPTIONS = optionNames('{ authkey }', 'authkey', 'legacyMd5', 'maxMessageBytes', 'signal', 'timeout')

/** After this many milliseconds of silence, the system asks the other machine whether it is still there: SO_KEEPALIVE, tcp(7). */
export const KEEPALIVE_MS = 60_000
/** The milliseconds after which a listener with a full queue is tried again. */
const TRY_AGAIN_MS = 20

/**
 * Connects and, if a key is given, authenticates in both directions.
 * @throws MultiprocessError with the system's `code`: ENOENT, ECONNREFUSED, ENOTFOUND, …
 * @throws AuthenticationError if the keys differ; TimeoutError if the timeout expires first; the signal's reason if the signal is aborted
 */
export async function connectSocket(address: NetAddress, options: ConnectOptions = {}): Promise<MessageSocket> {
  const target = checkAddress(address)
  const settings = checkSocketOptions(options, CONNECT_OPTIONS)
  const timeout = checkDuration('timeout', options.timeout ?? HANDSHAKE_MS)
  const { signal } = options
  checkSignal(signal)
  signal?.throwIfAborted()
  const end = monotonicMs() + timeout
  const socket = await openSocket(target, timeout, signal)
  const messages = new MessageSocket(socket)
  try {
    if (settings.key === undefined && isAbstract(target)) checkPeer(socket)
    messages.ref()
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(signal?.reason)
      signal?.addEventListener('abort', onAbort)
      const settled = (error?: Error) => {
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const handshakeTimeout = Math.max(1, end - monotonicMs())
      messages.start({ role: 'client', settings, handshakeTimeout, settled })
    })
    messages.unref()
    return messages
  } catch (error) {
    messages.destroy(undefined)
    if (error instanceof AuthenticationError) {
      throw new AuthenticationError(`cannot connect to ${describeAddress(target)}: ${error.message}`, { cause: error })
    }
    throw error
  }
}

async function openSocket(address: NetAddress, timeout: number, signal: AbortSignal | undefined): Promise<Socket> {
  const end = monotonicMs() + timeout
  for (;;) {
    try {
      return await openOnce(address, Math.max(1, end - monotonicMs()), signal)
    } catch (error) {
      // The queue of a unix socket is full (connect(2)).
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || monotonicMs() + TRY_AGAIN_MS >= end) throw error
      await new Promise(resolve => setTimeout(resolve, TRY_AGAIN_MS * (0.5 + Math.random())))
    }
  }
}

async function openOnce(address: NetAddress, timeout: number, signal: AbortSignal | undefined): Promise<Socket> {
  if (typeof address !== 'string' || !isAbstract(address) || !hasSocketCalls()) {
    return await openByNode(address, timeout, signal)
  }
  try {
    return new (process.getBuiltinModule('node:net').Socket)({
      fd: connectUnix(address),
      readable: true,
      writable: true
    })
  } catch (error) {
    throw connectError(address, error as Error)
  }
}

function openByNode(address: NetAddress, timeout: number, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { connect } = process.getBuiltinModule('node:net')
    const socket =
      typeof address === 'string'
        ? connect({ path: address })
        : connect({ ...address, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS })
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect)
      socket.off('error', onError)
    }
    const fail = (error: unknown): void => {
      finish()
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const onConnect = (): void => {
      finish()
      resolve(socket)
    }
    const onError = (error: Error): void => fail(connectError(address, error))
    const onAbort = (): void => fail(signal?.reason)
    const timer = setTimeout(
      () =>
        fail(
          new TimeoutError(`cannot connect to ${describeAddress(address)}: no answer within ${Math.round(timeout)} ms`)
        ),
      Math.min(timeout, 2 ** 31 - 1)
    )
    signal?.addEventListener('abort', onAbort)
    socket.on('connect', onConnect)
    socket.on('error', onError)
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the socket does not exist',
  ECONNREFUSED: 'no program listens there',
  ENOTFOUND: 'the host does not exist',
  EACCES: 'this user may not connect there',
  EAGAIN: 'too many connections wait to be accepted there; try again',
  ENOTSOCK: 'it is not a socket'
}

function connectError(address: NetAddress, cause: Error): MultiprocessError {
  const { code = 'EIO', message } = cause as NodeJS.ErrnoException
  const reason = REASONS[code] ?? message
  return new MultiprocessError(`cannot connect to ${describeAddress(address)}: ${reason} (${code})`, { code, cause })
}

/**
 * Checks the user who listens at an abstract name. Any user may take such a name, and without a key, nothing else tells who listens.
 * @throws AuthenticationError if it is another user
 */
export function checkPeer(socket: Socket): void {
  if (!hasSocketCalls()) return
  const user = peerUser((socket as unknown as { _handle: { fd: number } })._handle.fd)
  if (user === process.getuid?.() || user === 0) return
  throw new AuthenticationError(
    `the other program belongs to another user (${user}); use the path of a file, or give both sides an authkey`
  )
}
