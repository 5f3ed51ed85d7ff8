/** A task's failure as a page shows it: with both stacks, that of the worker and that of the caller. */
import { types } from 'node:util'
import { shown } from '../ground/inspect.ts'
import { SEPARATOR } from '../pool/caller-stack.ts'
import type { HeardTask } from '../pool/telling/audience.ts'
import type { FailureRow } from './messages.ts'

/** Its stacks are read when it is shown: whoever awaits the task adds the caller's a moment later. */
export interface HeardFailure extends HeardTask {
  readonly number: number
  readonly pid: number
  readonly at: number
  readonly error: unknown
}

const MOST_CHARACTERS = 20_000

export function failureRow({ error, ...failure }: HeardFailure): FailureRow {
  const whole = textOf(error)
  const [stack, ...callers] = whole.split(`\n${SEPARATOR}\n`)
  const [title] = stack.split('\n', 1)
  return { ...failure, title, stack, caller: callers.length === 0 ? null : callers.join('\n') }
}

/** Returns the stack of an error, or any other value that a task threw as a text. */
function textOf(error: unknown): string {
  return shown(
    () => {
      const stack = types.isNativeError(error) ? error.stack : undefined
      return typeof stack === 'string' ? stack : String(error)
    },
    'an error that cannot be shown',
    MOST_CHARACTERS
  )
}
