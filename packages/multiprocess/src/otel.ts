/**
 * `multiprocess/otel`: the tasks of pools as spans and metrics of OpenTelemetry.
 * @module multiprocess/otel
 */
export { type InstrumentationOptions, MultiprocessInstrumentation } from './telemetry/instrumentation.ts'
