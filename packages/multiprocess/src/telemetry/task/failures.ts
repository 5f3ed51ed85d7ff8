/** Errors on spans. */
import type { Exception, Span } from '@opentelemetry/api'
import { messageOf } from '../../ground/inspect.ts'
import type { OpenTelemetry } from './api.ts'
import { ATTRIBUTES, errorType } from './names.ts'

/** A span tells of so many errors of its items at the most. */
const MOST_ERRORS = 16

/** The span's task has failed. */
export function recordFailure({ SpanStatusCode }: OpenTelemetry, span: Span, error: unknown): void {
  span.recordException(exceptionOf(error))
  span.setAttribute(ATTRIBUTES.errorType, errorType(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) })
}

/** Some of the items of the span's chunk have failed. @param errors one at least */
export function recordItemFailures(
  { SpanStatusCode }: OpenTelemetry,
  span: Span,
  errors: readonly unknown[],
  items: number
): void {
  for (const error of errors.slice(0, MOST_ERRORS)) span.recordException(exceptionOf(error))
  span.setAttribute(ATTRIBUTES.errorType, errorType(errors[0]))
  const message = messageOf(errors[0])
  const which = items === 1 ? message : `${errors.length} of ${items} items failed: ${message}`
  span.setStatus({ code: SpanStatusCode.ERROR, message: which })
}

function exceptionOf(error: unknown): Exception {
  return error instanceof Error ? error : messageOf(error)
}
