/** What a worker sends in place of a result or an error that cannot cross. */
import { types } from 'node:util'
import { refusalOf, sendableError } from '../../codec/sendable-error.ts' // lazy
import { ValueError } from '../../errors.ts'
import { IMAP } from '../shared/task-kinds.ts'

export interface Substitute {
  readonly value: unknown
  readonly isError: 0 | 1
}

/** @param reason why `value`, which the task answered or, where `isThrown`, threw, cannot cross */
export function substitute(kind: number, value: unknown, reason: unknown, isThrown: boolean): Substitute {
  if (kind === IMAP && !isThrown) {
    const each = substituteEach(value as unknown[])
    if (each !== undefined) return { value: each, isError: 0 }
  }
  return { value: isThrown ? substituteError(value, reason) : plainReason(value, reason), isError: 1 }
}

/** Of what was thrown. */
export function substituteError(thrown: unknown, reason: unknown): unknown {
  return isError(thrown) ? sendableError(thrown) : plainReason(thrown, reason)
}

/** Each item of a chunk succeeds or fails by itself, in crossing too; undefined: by itself each of them can cross. */
function substituteEach(flat: readonly unknown[]): unknown[] | undefined {
  const sendable: unknown[] = []
  let isRefused = false
  for (let i = 0; i < flat.length; i += 2) {
    const value = flat[i + 1]
    const refusal = refusalOf(value, flat[i] === true ? 'the error' : 'the result')
    if (refusal === undefined) {
      sendable.push(flat[i], value)
      continue
    }
    isRefused = true
    sendable.push(true, flat[i] === true ? substituteError(value, refusal) : plainReason(value, refusal))
  }
  return isRefused ? sendable : undefined
}

function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error
}

function plainReason(value: unknown, reason: unknown): unknown {
  if (refusalOf(reason, 'the error') === undefined) return reason
  return isError(reason)
    ? sendableError(reason)
    : new ValueError(`the task answered ${typeof value}, which cannot cross`)
}
