/**
 * Node's socket, and the descriptor under it. A blocked thread reads and writes the descriptor itself. What Node has not written yet is
 * taken from Node first, by closing its socket over a duplicate of the descriptor.
 */
import type { Socket } from 'node:net'
import { duplicateSocket } from '../ground/os/sockets.ts' // lazy

/** Members of Node's sockets that their types do not have. */
interface Handle {
  readonly fd: number
  /** The number of bytes that Node has not written yet. */
  readonly writeQueueSize: number
}

export interface WireEvents {
  readonly onData: (chunk: Uint8Array) => void
  readonly onEnd: () => void
  readonly onError: (error: Error) => void
  readonly onClose: () => void
}

export class Wire {
  readonly #events: WireEvents
  #socket: Socket
  #isPaused = false
  #holds = 0

  constructor(socket: Socket, events: WireEvents) {
    this.#events = events
    this.#socket = socket
    this.#attach(socket)
  }

  /** Undefined once the socket is closed. */
  get fd(): number | undefined {
    return this.#handle?.fd
  }

  /** True if Node has bytes that it has not written yet. */
  get isWriting(): boolean {
    return this.#socket.writableLength > 0
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  /** Takes what Node has read, piece by piece; each piece comes in an event. @returns true if there was a piece */
  flush(): boolean {
    return this.#socket.read() !== null
  }

  /** @param onWritten runs once the system has everything, or with an error */
  write(pieces: readonly Uint8Array[], onWritten: (error?: Error | null) => void): void {
    const socket = this.#socket
    const last = pieces.length - 1
    if (last > 0) socket.cork()
    pieces.forEach((piece, i) => {
      if (i === last) socket.write(piece, onWritten)
      else socket.write(piece)
    })
    if (last > 0) socket.uncork()
  }

  /**
   * Makes Node stop writing what it was given.
   * @returns the number of bytes of it that were not sent; undefined if there is no descriptor left for this
   */
  takeBack(): number | undefined {
    const { fd, writeQueueSize } = this.#handle as Handle
    const former = this.#socket
    const duplicate = duplicateSocket(fd)
    if (duplicate < 0) return undefined
    while (former.read() !== null);
    this.#detach(former)
    former.destroy()
    this.#socket = new (process.getBuiltinModule('node:net').Socket)({ fd: duplicate, readable: true, writable: true })
    if (this.#holds > 0) this.#socket.ref()
    this.#attach(this.#socket)
    if (this.#isPaused) this.#socket.pause()
    return writeQueueSize
  }

  /** Keeps this process alive until the same number of `unref()` calls. */
  ref(): void {
    if (++this.#holds === 1) this.#socket.ref()
  }

  unref(): void {
    if (--this.#holds === 0) this.#socket.unref()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Closes the socket after everything has been written. */
  destroySoon(): void {
    this.#socket.destroySoon()
  }

  get #handle(): Handle | null {
    return (this.#socket as unknown as { _handle: Handle | null })._handle
  }

  #attach(socket: Socket): void {
    const { onData, onEnd, onError, onClose } = this.#events
    socket.on('data', onData)
    socket.on('end', onEnd)
    socket.on('error', onError)
    socket.on('close', onClose)
    if (this.#holds === 0) socket.unref()
  }

  #detach(socket: Socket): void {
    const { onData, onEnd, onError, onClose } = this.#events
    socket.off('data', onData)
    socket.off('end', onEnd)
    socket.off('close', onClose)
    socket.off('error', onError)
    socket.on('error', () => {})
  }
}
