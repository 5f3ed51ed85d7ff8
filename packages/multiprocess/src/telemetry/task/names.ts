/**
 * The names that spans and metrics have: those of OpenTelemetry's semantic conventions for messaging, version 1.45, and our own, which
 * begin with `multiprocess.`, for what they have no name for.
 */
import type { Attributes } from '@opentelemetry/api'
import { IMAP, MAP, STARMAP } from '../../pool/shared/task-kinds.ts'

export const SYSTEM = 'multiprocess'

export const ATTRIBUTES = {
  system: 'messaging.system.name',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  isAnonymous: 'messaging.destination.anonymous',
  messageId: 'messaging.message.id',
  batchCount: 'messaging.batch.message_count',
  errorType: 'error.type'
} as const

export const OWN_ATTRIBUTES = {
  /** `success`, `error` or `stopped`. */
  outcome: 'multiprocess.task.outcome',
  /** In seconds. */
  queueDuration: 'multiprocess.task.queue.duration',
  retries: 'multiprocess.task.retry.count',
  workerPid: 'multiprocess.worker.pid',
  /** `busy` or `idle`. */
  workerState: 'multiprocess.worker.state'
} as const

const METHODS = new Map([
  [MAP, 'map'],
  [STARMAP, 'starmap'],
  [IMAP, 'imap']
])

/** The pool's method that a kind of task comes from. */
export function methodOf(kind: number): string {
  return METHODS.get(kind) ?? 'apply'
}

/** A span's name: the operation, and the function if it has a name. */
export function spanName(operation: string, name: string): string {
  return name === '' ? operation : `${operation} ${name}`
}

/** What every span and every time of a task is told apart by. */
export function taskAttributes(operation: string, name: string): Attributes {
  const attributes: Attributes = { [ATTRIBUTES.system]: SYSTEM, [ATTRIBUTES.operation]: operation }
  if (name === '') attributes[ATTRIBUTES.isAnonymous] = true
  else attributes[ATTRIBUTES.destination] = name
  return attributes
}

/** The value of `error.type`: the error's class. */
export function errorType(error: unknown): string {
  const name = (error as { name?: unknown } | null | undefined)?.name
  return error instanceof Error && typeof name === 'string' && name !== '' ? name : '_OTHER'
}
