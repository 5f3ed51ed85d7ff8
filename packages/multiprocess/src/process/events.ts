/**
 * What this library publishes about its processes, managers and connections on channels of `node:diagnostics_channel`. Without
 * subscribers, it creates no messages.
 */
import type { Channel } from 'node:diagnostics_channel'
import { queueMicrotask } from '../ground/os/time.ts'

/** The payload of `multiprocess:process:start`, in the parent. */
export interface ProcessStartMessage {
  /** The name of the process, such as `Process-1`. */
  readonly name: string
  /** The pid; of a thread, its `threadId`. */
  readonly pid: number
  /** True for a daemon. */
  readonly daemon: boolean
}

/** The payload of `multiprocess:process:exit`, in the parent. */
export interface ProcessExitMessage extends ProcessStartMessage {
  /** The exit status, or −N if signal N ended the process. */
  readonly exitcode: number
}

/**
 * The payload of `multiprocess:manager:start`, `multiprocess:manager:connect` and `multiprocess:manager:end`, in the program that
 * called.
 */
export interface ManagerMessage {
  /** The manager object. */
  readonly manager: object
  /** The address of the server: a path, a host and port, or `pid 123` if it serves only its family. */
  readonly address: unknown
}

/** The payload of `multiprocess:manager:create`, in the server. */
export interface ManagerCreateMessage {
  /** The name of the type: `dict`, `Queue`, or one that was registered. */
  readonly typeid: string
}

/** The payload of `multiprocess:connection:open`, in the process that called `Client` or `accept`. */
export interface ConnectionMessage {
  /** The Connection. */
  readonly connection: object
  /** 'client' for a connection made by `Client`, 'listener' for one that `accept` returned. */
  readonly side: 'client' | 'listener'
  /** The address that `Client` connected to, or that an accepted connection came from; null for an accepted unix socket. */
  readonly address: unknown
}

/** The payload of `multiprocess:connection:close`, once for each connection, in the process that has it. */
export interface ConnectionCloseMessage {
  /** The Connection; null if it has been garbage-collected. */
  readonly connection: object | null
  /** As in ConnectionMessage. */
  readonly side: 'client' | 'listener'
  /** As in ConnectionMessage. */
  readonly address: unknown
  /** The error that broke the connection off; null if either side has closed it. */
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

/**
 * Publishes a message in a microtask, so that subscribers may do as they like. @param make creates the payload; called only if
 * needed
 */
export function tell<E extends keyof Messages>(event: E, make: () => Messages[E]): void {
  const channel = channelOf(CHANNELS[event])
  if (!channel.hasSubscribers) return
  const message = make()
  queueMicrotask(() => channel.publish(message))
}
