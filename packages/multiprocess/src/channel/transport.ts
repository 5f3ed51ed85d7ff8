/** What a Connection sends and receives through: the rings of a pipe, or a socket. Messages are sent and received whole. */
import type { Received } from './message.ts'

/** Returned instead of a message if none is left, and none will be sent any more. */
export const EOF: unique symbol = Symbol()

/** undefined: no message arrived in time. */
export type Incoming<R> = R | typeof EOF | undefined

/** Returns the memory for the bytes of a message of this length. */
export type Place = (length: number) => Uint8Array

/**
 * Times are in milliseconds, or Infinity. A send returns false if there was no room in time: then the message is not sent. All
 * methods throw MultiprocessError (`ERR_CLOSED`, `ERR_BROKEN_PIPE`), and the signal's reason.
 */
export interface Transport {
  readonly isReadable: boolean
  readonly isWritable: boolean
  /** What `wait` waits for. */
  readonly target: unknown
  /** Reads the value before it returns; by then, the value may be sent. */
  send(value: unknown, timeout: number, signal: AbortSignal | undefined): true | Promise<boolean>
  sendSync(value: unknown, timeout: number): boolean
  sendBytes(bytes: Uint8Array): true | Promise<boolean>
  sendBytesSync(bytes: Uint8Array): void
  /** Resolves to the value, or to what contains its promise. */
  receive(timeout: number, signal: AbortSignal | undefined): Promise<Incoming<Received>>
  /** @throws MultiprocessError `ERR_IMPORT` if the message cannot be decoded without waiting: it stays */
  receiveSync(timeout: number): Incoming<Received>
  /** A message longer than `maxLength` stays. */
  receiveBytes(
    place: Place,
    maxLength: number,
    timeout: number,
    signal: AbortSignal | undefined
  ): Promise<Incoming<Uint8Array>>
  receiveBytesSync(place: Place, maxLength: number, timeout: number): Incoming<Uint8Array>
  /** Resolves to true if there is a message, or the end of the messages. */
  poll(timeout: number, signal: AbortSignal | undefined): Promise<boolean>
  pollSync(timeout: number): boolean
  /** Closes the transport. Code that waits here wakes up, and finds it closed. */
  close(): void
}
