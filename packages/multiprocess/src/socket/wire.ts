/**
 * Node's socket, and the descriptor under it. A thread that blocks reads and writes the descriptor itself; what the event loop has yet
 * to write is taken from it first, by closing its socket over a duplicate of the descriptor.
 */
import type { Socket } from 'node:net'
import { duplicateSocket } from '../ground/os/sockets.ts' // lazy

/** What of Node's sockets is not in their types. */
interface Handle {
  readonly fd: number
  /** Bytes that the event loop has yet to write. */
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

  /** Undefined: it is closed. */
  get fd(): number | undefined {
    return this.#handle?.fd
  }

  /** Whether the event loop has something that it has yet to write. */
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

  /** Takes what the event loop has read, one piece after the other: each comes by its event. @returns whether there was one */
  flush(): boolean {
    return this.#socket.read() !== null
  }

  /** @param onWritten runs once the system has it all, or with an error */
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
   * The event loop is to write nothing any more of what it was given.
   * @returns how many bytes of that have not gone; undefined: there is no descriptor left for it
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

  /** Keeps this process alive until as many `unref()` calls have come. */
  ref(): void {
    if (++this.#holds === 1) this.#socket.ref()
  }

  unref(): void {
    if (--this.#holds === 0) this.#socket.unref()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** What was written still goes. */
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
