/** What crosses to a worker: the caller's span, and what the program's propagator adds, such as baggage. */
import type { Context, SpanContext } from '@opentelemetry/api'
import type { OpenTelemetry } from './api.ts'

export interface Carrier {
  /** The function's name, as the caller knows it. */
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
  /** As the header `tracestate` has it. */
  readonly traceState: string | undefined
  readonly headers: Record<string, string>
}

/** @param context the caller's, with the task's span */
export function carrierOf({ propagation }: OpenTelemetry, context: Context, span: SpanContext, name: string): Carrier {
  const headers: Record<string, string> = {}
  propagation.inject(context, headers)
  const { traceId, spanId, traceFlags, traceState } = span
  return { name, traceId, spanId, traceFlags, traceState: traceState?.serialize(), headers }
}

/**
 * The context that the carrier brings, with the task's span. It needs no propagator: a worker without one, or with another than its
 * program's, continues the trace all the same.
 */
export function contextOf(api: OpenTelemetry, carrier: Carrier): Context {
  const { traceId, spanId, traceFlags, traceState, headers } = carrier
  const context = api.propagation.extract(api.ROOT_CONTEXT, headers)
  const span: SpanContext = { traceId, spanId, traceFlags, isRemote: true }
  if (!api.isSpanContextValid(span)) return context
  const state = traceState === undefined ? undefined : api.createTraceState(traceState)
  return api.trace.setSpanContext(context, state === undefined ? span : { ...span, traceState: state })
}
