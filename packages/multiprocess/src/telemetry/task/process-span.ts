/** In a worker that has OpenTelemetry set up: the span `process`, a child of the caller's, around the task. */
import type { Span } from '@opentelemetry/api'
import { setTimeout } from '../../ground/os/time.ts'
import { isChunk, isPromise, itemCount, itemErrors, resultCount } from '../../pool/shared/task-kinds.ts'
import { openTelemetry, ownVersion } from './api.ts'
import { type Carrier, contextOf } from './carrier.ts'
import { recordFailure, recordItemFailures } from './failures.ts'
import { ATTRIBUTES, SYSTEM, spanName, taskAttributes } from './names.ts'

/** What exporting may take at a worker's end, in milliseconds. */
const FLUSH_MS = 5000

let version: string | undefined

/** Calls `run` in the caller's context. @returns what it returns; of a promise, another that is settled after the span's end */
export function processInSpan(sent: unknown, kind: number, message: unknown, id: number, run: () => unknown): unknown {
  const api = openTelemetry()
  const carrier = sent as Carrier
  const parent = contextOf(api, carrier)
  version ??= ownVersion()
  const span = api.trace.getTracer(SYSTEM, version).startSpan(
    spanName('process', carrier.name),
    {
      kind: api.SpanKind.CONSUMER,
      attributes: {
        ...taskAttributes('process', carrier.name),
        [ATTRIBUTES.operationType]: 'process',
        [ATTRIBUTES.messageId]: String(id),
        ...(isChunk(kind) && { [ATTRIBUTES.batchCount]: itemCount(kind, message) })
      }
    },
    parent
  )
  let result: unknown
  try {
    result = api.context.with(api.trace.setSpan(parent, span), run)
  } catch (error) {
    fail(span, error)
    throw error
  }
  if (!isPromise(result)) {
    succeed(span, kind, result)
    return result
  }
  return Promise.resolve(result).then(
    value => {
      succeed(span, kind, value)
      return value
    },
    error => {
      fail(span, error)
      throw error
    }
  )
}

function succeed(span: Span, kind: number, result: unknown): void {
  const errors = itemErrors(kind, result)
  if (errors.length > 0) recordItemFailures(openTelemetry(), span, errors, resultCount(kind, result))
  span.end()
}

function fail(span: Span, error: unknown): void {
  recordFailure(openTelemetry(), span, error)
  span.end()
}

interface Provider {
  getDelegate?(): Provider
  forceFlush?(): Promise<void>
}

/** Exports what spans and metrics this process has; gives up after 5 s. */
export async function flush(): Promise<void> {
  const { metrics, trace } = openTelemetry()
  const providers = [trace.getTracerProvider(), metrics.getMeterProvider()] as Provider[]
  const flushed = providers.map(async provider => (provider.getDelegate?.() ?? provider).forceFlush?.())
  const late = new Promise<void>(resolve => setTimeout(resolve, FLUSH_MS))
  await Promise.race([Promise.allSettled(flushed), late])
}
