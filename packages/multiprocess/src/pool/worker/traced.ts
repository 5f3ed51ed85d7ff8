/** In a worker: tasks whose caller is traced. Nothing is loaded for them unless this process has OpenTelemetry set up. */
import { flush, processInSpan } from '../../telemetry/task/process-span.ts' // lazy
import { CALL, kindOf, TRACED } from '../shared/task-kinds.ts'

/** Where `@opentelemetry/api` 1.x keeps what was set up. */
const API = Symbol.for('opentelemetry.js.api.1')

let hasSpans = false

/**
 * Takes the carrier off the message, and runs the task in the caller's context.
 * @param run gets the kind without TRACED
 */
export function runTraced(kind: number, message: unknown[], id: number, run: (kind: number) => unknown): unknown {
  const plain = kind & ~TRACED
  const carrier = kindOf(kind) === CALL ? (message as unknown as { carrier: unknown }).carrier : message.pop()
  if ((globalThis as Record<symbol, unknown>)[API] === undefined) return run(plain)
  hasSpans = true
  return processInSpan(carrier, kindOf(kind), message, id, () => run(plain))
}

/** This worker ends in an orderly way: spans and metrics that it has not exported yet are exported now. */
export async function flushSpans(): Promise<void> {
  if (hasSpans) await flush()
}
