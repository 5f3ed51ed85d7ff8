/** Spans and metrics of a program's pools, in the form that OpenTelemetry's SDK takes instrumentations in. */
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { checkBoolean, checkOptions, describe, optionNames } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { tracing } from '../pool/telling/tracing.ts'
import { PoolMetrics } from './metrics.ts'
import { type OpenTelemetry, openTelemetry, ownVersion } from './task/api.ts'
import { SYSTEM } from './task/names.ts'
import { TaskSpan } from './task-span.ts'

/** The options of a MultiprocessInstrumentation. */
export interface InstrumentationOptions {
  /** Whether tasks are traced from the start; `enable()` does it later. Default: true. */
  enabled?: boolean
  /** Makes the spans. Default: the global one, also if it is registered later. */
  tracerProvider?: TracerProvider
  /** Makes the metrics. Default: the global one, also if it is registered later. */
  meterProvider?: MeterProvider
}

const OPTIONS = optionNames('{ enabled: false }', 'enabled', 'tracerProvider', 'meterProvider')

let current: MultiprocessInstrumentation | undefined

/**
 * Traces and measures the tasks of all pools of this process, also of those that were made before. A task is a span; its context crosses to
 * the worker, so that spans which its function makes there are children of it, if that worker has an SDK set up. Only one instrumentation
 * can be enabled at once.
 * @throws MultiprocessError (`ERR_IMPORT`) if `@opentelemetry/api` is not installed
 * @throws ValueError if another one is enabled
 * @example
 * import { MultiprocessInstrumentation } from 'multiprocess/otel'
 *
 * const instrumentation = new MultiprocessInstrumentation()
 * // or: new NodeSDK({ instrumentations: [new MultiprocessInstrumentation()] })
 */
export class MultiprocessInstrumentation {
  /** The name of the instrumentation, as OpenTelemetry shows it. */
  readonly instrumentationName = SYSTEM
  /** The version of this package. */
  readonly instrumentationVersion: string
  readonly #api: OpenTelemetry
  #config: InstrumentationOptions
  #tracers: TracerProvider | undefined
  #meters: MeterProvider | undefined
  /** Of the provider that they were made by. */
  #metrics: { readonly by: MeterProvider; readonly metrics: PoolMetrics } | undefined

  constructor(options: InstrumentationOptions = {}) {
    checkOptions(options, OPTIONS)
    const { enabled = true, tracerProvider, meterProvider } = options
    checkBoolean('enabled', enabled)
    this.#tracers = checkProvider('tracerProvider', tracerProvider, 'getTracer')
    this.#meters = checkProvider('meterProvider', meterProvider, 'getMeter')
    this.#config = options
    this.#api = openTelemetry()
    this.instrumentationVersion = ownVersion()
    if (enabled) this.enable()
  }

  /** Traces tasks that are submitted from now on. @throws ValueError if another instrumentation is enabled */
  enable(): void {
    if (current === this) return
    if (current !== undefined) {
      throw new ValueError(
        'cannot enable this MultiprocessInstrumentation: another one is enabled, and every task would be traced twice; disable() that one first'
      )
    }
    current = this
    void this.#instruments
    tracing.begin = () => {
      const context = this.#api.context.active()
      return { begin: task => new TaskSpan(this.#instruments, context, task) }
    }
    tracing.restarted = count => this.#instruments.metrics.restarted(count)
  }

  /** Traces no more tasks. Those that are under way end their spans. */
  disable(): void {
    if (current !== this) return
    current = undefined
    tracing.begin = undefined
    tracing.restarted = undefined
    this.#metrics?.metrics.end()
    this.#metrics = undefined
  }

  /** Spans of tasks that are submitted from now on are made by `provider`. @throws TypeError if it makes no tracers */
  setTracerProvider(provider: TracerProvider): void {
    this.#tracers = checkProvider('provider', provider, 'getTracer')
  }

  /** Metrics are made by `provider` from now on. @throws TypeError if it makes no meters */
  setMeterProvider(provider: MeterProvider): void {
    this.#meters = checkProvider('provider', provider, 'getMeter')
    if (current === this) void this.#instruments
  }

  /** Returns the options. */
  getConfig(): InstrumentationOptions {
    return this.#config
  }

  /** Keeps the options for `getConfig()`. @throws TypeError for unknown options */
  setConfig(options: InstrumentationOptions): void {
    checkOptions(options, OPTIONS)
    this.#config = options
  }

  get #instruments() {
    const tracers = this.#tracers ?? this.#api.trace.getTracerProvider()
    const by = this.#meters ?? this.#api.metrics.getMeterProvider()
    // A program may register its global one after this.
    if (this.#metrics?.by !== by) {
      this.#metrics?.metrics.end()
      this.#metrics = { by, metrics: new PoolMetrics(by.getMeter(SYSTEM, this.instrumentationVersion)) }
    }
    const tracer = tracers.getTracer(SYSTEM, this.instrumentationVersion)
    return { startSpan: tracer.startSpan.bind(tracer), metrics: this.#metrics.metrics }
  }
}

function checkProvider<P extends object>(
  name: string,
  provider: P | undefined,
  method: keyof P & string
): P | undefined {
  if (provider === undefined || typeof provider?.[method] === 'function') return provider
  throw new TypeError(`${name} must be an object with ${method}(), got ${describe(provider)}`)
}
