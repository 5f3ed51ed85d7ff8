/**
 * What this library tells of its processes, managers and connections on channels of `node:diagnostics_channel`. Where nobody subscribes,
 * nothing is made.
 */
import type { Channel } from 'node:diagnostics_channel'
import { queueMicrotask } from '../ground/os/time.ts'

/** The payload of `multiprocess:process:start`, in the parent. */
export interface ProcessStartMessage {
  readonly name: string
  /** Of a thread its `threadId`. */
  readonly pid: number
  readonly daemon: boolean
}

/** The payload of `multiprocess:process:exit`, in the parent. */
export interface ProcessExitMessage extends ProcessStartMessage {
  /** −N for signal N. */
  readonly exitcode: number
}

/** The payload of `multiprocess:manager:start`, `multiprocess:manager:connect` and `multiprocess:manager:end`, in the program that called. */
export interface ManagerMessage {
  readonly manager: object
  /** Of the server: a path, host and port, or `pid 123` if it serves its family alone. */
  readonly address: unknown
}

/** The payload of `multiprocess:manager:create`, in the server. */
export interface ManagerCreateMessage {
  /** The name of the type: `dict`, `Queue`, or one that was registered. */
  readonly typeid: string
}

/** The payload of `multiprocess:connection:open`, in the process that called `Client` or `accept`. */
export interface ConnectionMessage {
  readonly connection: object
  readonly side: 'client' | 'listener'
  /** What was connected to; of an accepted one where it came from, null for a unix socket. */
  readonly address: unknown
}

/** The payload of `multiprocess:connection:close`, once for each connection, in the process that has it. */
export interface ConnectionCloseMessage {
  /** Null if nobody in this process refers to it any more. */
  readonly connection: object | null
  readonly side: 'client' | 'listener'
  /** As when it was opened. */
  readonly address: unknown
  /** Null if either side has closed it; otherwise what broke it off. */
  readonly error: Error | null
}

export const CHANNELS = {
  processStart: 'multiprocess:process:start',
  processExit: 'multiprocess:process:exit',
  managerStart: 'multiprocess:manager:start',
  managerConnect: 'multiprocess:manager:connect',
  managerEnd: 'multiprocess:manager:end',
  managerCreate: 'multiprocess:manager:create',
  connectionOpen: 'multiprocess:connection:open',
  connectionClose: 'multiprocess:connection:close',
  log: 'multiprocess:log'
} as const

interface Messages {
  processStart: ProcessStartMessage
  processExit: ProcessExitMessage
  managerStart: ManagerMessage
  managerConnect: ManagerMessage
  managerEnd: ManagerMessage
  managerCreate: ManagerCreateMessage
  connectionOpen: ConnectionMessage
  connectionClose: ConnectionCloseMessage
}

const channels = new Map<string, Channel>()

function channelOf(name: string): Channel {
  let channel = channels.get(name)
  if (channel === undefined) {
    channel = process.getBuiltinModule('node:diagnostics_channel').channel(name)
    channels.set(name, channel)
  }
  return channel
}

/** Tells subscribers, in a microtask: they may do as they like. @param make makes the payload, if anybody wants it */
export function tell<E extends keyof Messages>(event: E, make: () => Messages[E]): void {
  const channel = channelOf(CHANNELS[event])
  if (!channel.hasSubscribers) return
  const message = make()
  queueMicrotask(() => channel.publish(message))
}
