/** Between those who ask which task the running code belongs to, and the worker, which can tell. */

export interface CurrentTask {
  /** Of all tasks of a pool, from 1 on; a task that is tried again keeps it. */
  readonly id: number
  /** Fires when the task was aborted or has timed out: an AbortError or a TimeoutError is its reason. */
  readonly signal: AbortSignal
}

let answer: (() => CurrentTask | undefined) | undefined
let isFaceLoaded = false

/** Somebody in this process can ask for the current task from now on. */
export function expectQuestions(): void {
  isFaceLoaded = true
}

export function areQuestionsExpected(): boolean {
  return isFaceLoaded
}

export function answerQuestions(current: () => CurrentTask | undefined): void {
  answer = current
}

export function currentContext(): CurrentTask | null {
  return answer?.() ?? null
}
