/** A task's span in the caller's process: from its submission until its result is there, or until nobody waits for it. */
import type { Attributes, Context, Span } from '@opentelemetry/api'
import { monotonicMs } from '../ground/os/time.ts'
import { isChunk, itemErrors, resultCount } from '../pool/shared/task-kinds.ts'
import type { TaskTrace, TracedTask } from '../pool/telling/tracing.ts'
import type { PoolMetrics } from './metrics.ts'
import { openTelemetry } from './task/api.ts'
import { type Carrier, carrierOf } from './task/carrier.ts'
import { recordFailure, recordItemFailures } from './task/failures.ts'
import { ATTRIBUTES, errorType, methodOf, OWN_ATTRIBUTES, spanName, taskAttributes } from './task/names.ts'

/** What spans are made with. */
export interface Instruments {
  startSpan(name: string, options: { kind: number; attributes: Attributes }, context: Context): Span
  readonly metrics: PoolMetrics
}

export class TaskSpan implements TaskTrace {
  readonly carrier: Carrier
  readonly #task: TracedTask
  readonly #metrics: PoolMetrics
  readonly #span: Span
  readonly #submitted = monotonicMs()
  /** When it was given to workers: again after a retry. */
  #queued = this.#submitted
  #start = 0
  #retries = 0
  #isOver = false
  #errorType: string | undefined
  /** Milliseconds that it ran, until the span knows how it ended. */
  #runTime: number | undefined

  /** @param context the caller's */
  constructor(instruments: Instruments, context: Context, task: TracedTask) {
    const api = openTelemetry()
    const { name, kind, items } = task
    const operation = methodOf(kind)
    const attributes: Attributes = { ...taskAttributes(operation, name), [ATTRIBUTES.operationType]: 'send' }
    if (isChunk(kind)) attributes[ATTRIBUTES.batchCount] = items
    this.#task = task
    this.#metrics = instruments.metrics
    this.#span = instruments.startSpan(spanName(operation, name), { kind: api.SpanKind.PRODUCER, attributes }, context)
    this.carrier = carrierOf(api, api.trace.setSpan(context, this.#span), this.#span.spanContext(), name)
  }

  submitted(id: number): void {
    this.#span.setAttribute(ATTRIBUTES.messageId, String(id))
    this.#metrics.sent(this.#task.items, this.#attributes(methodOf(this.#task.kind)))
  }

  began(pid: number, start: number): void {
    this.#start = start
    const wait = Math.max(0, start - this.#queued) / 1000
    this.#span.setAttributes({ [OWN_ATTRIBUTES.workerPid]: pid, [OWN_ATTRIBUTES.queueDuration]: wait })
    this.#metrics.queued(wait, this.#attributes(methodOf(this.#task.kind)))
  }

  ran(end: number | undefined): void {
    this.#runTime = (end ?? monotonicMs()) - this.#start
    if (this.#isOver) this.#recordRun()
  }

  retried(): void {
    this.#errorType = 'WorkerDiedError'
    this.#recordRun()
    this.#errorType = undefined
    this.#queued = monotonicMs()
    this.#span.setAttribute(OWN_ATTRIBUTES.retries, ++this.#retries)
  }

  succeeded(value: unknown): void {
    if (this.#isOver) return
    const { kind } = this.#task
    const errors = itemErrors(kind, value)
    const count = resultCount(kind, value)
    if (errors.length > 0) {
      this.#errorType = errorType(errors[0])
      recordItemFailures(openTelemetry(), this.#span, errors, count)
    }
    this.#metrics.consumed(count, this.#attributes(methodOf(kind)))
    this.#end(errors.length > 0 ? 'error' : 'success')
  }

  failed(error: unknown): void {
    if (this.#isOver) return
    this.#errorType = errorType(error)
    recordFailure(openTelemetry(), this.#span, error)
    this.#end(this.#task.signal?.aborted ? 'stopped' : 'error')
  }

  stopped(): void {
    if (this.#isOver) return
    const { signal } = this.#task
    if (signal?.aborted) this.failed(signal.reason)
    else this.#end('stopped')
  }

  #end(outcome: string): void {
    this.#isOver = true
    this.#span.setAttribute(OWN_ATTRIBUTES.outcome, outcome)
    this.#span.end()
    this.#metrics.took((monotonicMs() - this.#submitted) / 1000, this.#attributes(methodOf(this.#task.kind)))
    this.#recordRun()
  }

  #recordRun(): void {
    if (this.#runTime === undefined) return
    this.#metrics.ran(this.#runTime / 1000, this.#attributes('process'))
    this.#runTime = undefined
  }

  #attributes(operation: string): Attributes {
    const attributes = taskAttributes(operation, this.#task.name)
    if (this.#errorType !== undefined) attributes[ATTRIBUTES.errorType] = this.#errorType
    return attributes
  }
}
