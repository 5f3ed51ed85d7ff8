/** What `applyAsync`, `mapAsync` and `starmapAsync` call when a result is there. */
import { checkFunction } from '../checks.ts'
import { queueMicrotask } from '../ground/os/time.ts'
import type { Task } from './dispatcher.ts'
import type { ApplyOptions } from './options.ts'
import { inContext } from './shared/in-context.ts'

export { inContext }

/**
 * The task, with the callbacks of `options`: they run after the result is settled, in a microtask and in the async context
 * of the call. What they throw is theirs.
 * @throws TypeError if a callback is not a function
 */
export function withCallbacks<R>(options: ApplyOptions<R> | undefined, task: Task): Task {
  if (options === undefined) return task
  const { callback, errorCallback } = options
  checkCallback(callback, 'callback')
  checkCallback(errorCallback, 'errorCallback')
  if (callback === undefined && errorCallback === undefined) return task
  const onSuccess = callback && inContext(callback)
  const onError = errorCallback && inContext(errorCallback)
  return {
    succeed: value => {
      task.succeed(value)
      if (onSuccess !== undefined) queueMicrotask(() => onSuccess(value as R))
    },
    fail: error => {
      task.fail(error)
      if (onError !== undefined) queueMicrotask(() => onError(error))
    }
  }
}

export function checkCallback(callback: unknown, name: string): void {
  if (callback !== undefined) checkFunction(name, callback)
}
