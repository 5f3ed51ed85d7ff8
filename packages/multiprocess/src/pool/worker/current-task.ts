/** What a task can learn of itself. */
import { type CurrentTask, currentContext, expectQuestions } from './task-questions.ts'

export type { CurrentTask }

expectQuestions()

/**
 * In a worker: the task that the calling async context belongs to; null elsewhere. Its `signal` fires when the task was aborted
 * or has timed out; a function in a busy loop, where no event can come, sees `currentTask()?.signal.aborted` change all the same.
 */
export function currentTask(): CurrentTask | null {
  return currentContext()
}
