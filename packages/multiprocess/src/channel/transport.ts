/** What a Connection is over: the rings of a pipe, or a socket. Messages go in, and come out, whole. */
import type { Received } from './message.ts'

/** Answered in place of a message when nothing is left, and nobody would send any more. */
export const EOF: unique symbol = Symbol()

/** undefined: none came in time. */
export type Incoming<R> = R | typeof EOF | undefined

/** Where the bytes of a message go to, which has so many. */
export type Place = (length: number) => Uint8Array

/**
 * Times are milliseconds, or Infinity. Sending answers false when there was no room in time: the message is not sent. All of
 * them throw MultiprocessError (`ERR_CLOSED`, `ERR_BROKEN_PIPE`), and the signal's reason.
 */
export interface Transport {
  readonly isReadable: boolean
  readonly isWritable: boolean
  /** What `wait` waits for. */
  readonly target: unknown
  /** The value is read before this returns, and may be sent then. */
  send(value: unknown, timeout: number, signal: AbortSignal | undefined): true | Promise<boolean>
  sendSync(value: unknown, timeout: number): boolean
  sendBytes(bytes: Uint8Array): true | Promise<boolean>
  sendBytesSync(bytes: Uint8Array): void
  /** The value, or what has its promise. */
  receive(timeout: number, signal: AbortSignal | undefined): Promise<Incoming<Received>>
  /** @throws MultiprocessError `ERR_IMPORT`: the message cannot be read without waiting, and stays */
  receiveSync(timeout: number): Incoming<Received>
  /** A message longer than `maxLength` stays. */
  receiveBytes(
    place: Place,
    maxLength: number,
    timeout: number,
    signal: AbortSignal | undefined
  ): Promise<Incoming<Uint8Array>>
  receiveBytesSync(place: Place, maxLength: number, timeout: number): Incoming<Uint8Array>
  /** Whether a message, or the end of them, is there. */
  poll(timeout: number, signal: AbortSignal | undefined): Promise<boolean>
  pollSync(timeout: number): boolean
  /** What waits here is woken, and finds that it is closed. */
  close(): void
}
