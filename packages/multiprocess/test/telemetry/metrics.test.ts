/** Metrics of pools: names, units, values; and the instrumentation as an object of OpenTelemetry's SDK. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterEach, describe, test } from 'node:test'
import { type Attributes, metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { Pool, ValueError } from '../../src/index.ts'
import { MultiprocessInstrumentation } from '../../src/otel.ts'
import { ATTRIBUTES } from '../../src/telemetry/task/names.ts'
import * as threads from '../../src/threads.ts'
import { root } from '../fixtures/pages.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, range, Scratch, until } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'
import { setUpFile, setUpStuck } from '../fixtures/telemetry/spans.ts'

const timeout = limit(120_000)
let enabled: MultiprocessInstrumentation | undefined
afterEach(() => {
  enabled?.disable()
  enabled = undefined
})

function enable(options: ConstructorParameters<typeof MultiprocessInstrumentation>[0] = {}): void {
  enabled = new MultiprocessInstrumentation(options)
}

interface Point {
  readonly name: string
  readonly unit: string
  readonly attributes: Attributes
  readonly value: number | Histogram
}

/** Metrics in memory. */
class Metrics {
  readonly #exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  readonly #reader = new PeriodicExportingMetricReader({ exporter: this.#exporter, exportIntervalMillis: 3_600_000 })
  readonly provider = new MeterProvider({ readers: [this.#reader] })

  async points(name: string): Promise<Point[]> {
    this.#exporter.reset()
    await this.#reader.forceFlush()
    const all = this.#exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(scope => scope.metrics))
    return all
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ descriptor, dataPoints }) =>
        (dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }) => {
          return { name, unit: descriptor.unit, attributes, value }
        })
      )
  }

  /** The sum of a metric's points, or of those that have the attributes. */
  async sum(name: string, attributes: Attributes = {}): Promise<number> {
    const points = (await this.points(name)).filter(point =>
      Object.entries(attributes).every(([key, value]) => point.attributes[key] === value)
    )
    return points.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0)
  }
}

for (const [ground, Type] of [
  ['processes', Pool],
  ['threads', threads.Pool]
] as const) {
  describe(`metrics of pools over ${ground}`, { timeout }, () => {
    test('the times that tasks wait and run, and their sum, are histograms in seconds', async () => {
      const measured = new Metrics()
      enable({ meterProvider: measured.provider })
      await using pool = new Type(1)
      await pool.apply(tasks.square, [1])
      const block = (ms: number) => {
        const end = performance.now() + ms
        while (performance.now() < end);
      }
      await Promise.all([pool.apply(block, [100]), pool.apply(tasks.square, [2])])
      for (const [name, operation] of [
        ['multiprocess.task.queue.duration', 'apply'],
        ['messaging.process.duration', 'process'],
        ['messaging.client.operation.duration', 'apply']
      ]) {
        const points = await measured.points(name)
        assert.deepEqual(points.map(({ attributes }) => attributes['messaging.destination.name']).sort(), [
          'block',
          'square'
        ])
        for (const { unit, attributes } of points) {
          assert.equal(unit, 's')
          assert.equal(attributes['messaging.operation.name'], operation)
          assert.equal(attributes['messaging.system.name'], 'multiprocess')
        }
      }
      const [ran] = (await measured.points('messaging.process.duration')).filter(
        ({ attributes }) => attributes['messaging.destination.name'] === 'block'
      )
      const { count, sum } = ran.value as Histogram
      assert.equal(count, 1)
      assert.ok((sum ?? 0) >= 0.1 && (sum ?? 0) < limit(60), `${sum} s`)
      const waited = (await measured.points('multiprocess.task.queue.duration')).filter(
        ({ attributes }) => attributes['messaging.destination.name'] === 'square'
      )
      const { max = 0 } = waited[0].value as Histogram
      assert.ok(max >= 0.09, `the second task waited for ${max} s`)
    })

    test('workers, pending tasks and restarts are counted', async () => {
      const measured = new Metrics()
      await using scratch = await Scratch.create()
      await using pool = new Type(2)
      // Also of a pool that was made before.
      enable({ meterProvider: measured.provider })
      const gate = new Gate(scratch)
      const held = pool.apply(tasks.holdGate, gate.args)
      await gate.arrival()
      const count = async (state: string) =>
        measured.sum('multiprocess.worker.count', { 'multiprocess.worker.state': state })
      assert.deepEqual([await count('busy'), await count('idle')], [1, 1])
      assert.equal(await measured.sum('multiprocess.task.pending.count'), 1)
      gate.open()
      await held
      assert.equal(await measured.sum('multiprocess.worker.restart.count'), 0)
      for (const _ of range(2)) await pool.apply(dying.exit, [1]).catch(() => {})
      await until(() => pool.stats.workers.length === 2, 'there are two workers again')
      assert.equal(await measured.sum('multiprocess.worker.restart.count'), 2)
      assert.deepEqual([await count('busy'), await count('idle')], [0, 2])
      assert.equal(await measured.sum('messaging.process.duration', { 'error.type': 'WorkerDiedError' }), 2)
      pool.close()
      await pool.join()
      assert.deepEqual([await count('busy'), await count('idle')], [0, 0])
    })

    test('items are counted one by one, however many travel together', async () => {
      const measured = new Metrics()
      enable({ meterProvider: measured.provider })
      await using pool = new Type(2)
      await pool.map(tasks.square, range(100), 10)
      for await (const _ of pool.imap(tasks.square, range(30), 7));
      assert.equal(await measured.sum('messaging.client.sent.messages'), 130)
      assert.equal(await measured.sum('messaging.client.consumed.messages'), 130)
      assert.equal(await measured.sum('messaging.process.duration'), 15)
      assert.equal(await measured.sum('messaging.client.consumed.messages', { 'messaging.operation.name': 'imap' }), 30)
    })

    test('a worker that ends exports its spans first', async () => {
      await using scratch = await Scratch.create()
      enable()
      const file = scratch.file('exported')
      const pool = new Type(1, { initializer: setUpFile, initargs: [file] })
      await pool.map(tasks.square, range(5), 1)
      pool.close()
      await pool.join()
      assert.deepEqual(await scratch.lines('exported'), Array(5).fill('process square'))
    })

    test('a worker that leaves after its last task exports its spans, too', async () => {
      await using scratch = await Scratch.create()
      enable()
      const file = scratch.file('exported')
      await using pool = new Type(1, { initializer: setUpFile, initargs: [file], maxTasksPerChild: 2 })
      await pool.map(tasks.square, range(4), 1)
      await until(() => pool.stats.workers.length === 1 && pool.stats.workers[0].tasks === 0, 'both have left')
      const names = await scratch.lines('exported')
      assert.deepEqual(names, Array(4).fill('process square'))
    })
  })
}

describe('the instrumentation', { timeout }, () => {
  test('Prometheus scrapes every metric by the name that the manual gives', async () => {
    const exporter = new PrometheusExporter({ preventServerStart: true })
    enable({ meterProvider: new MeterProvider({ readers: [exporter] }) })
    const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      await using pool = new Pool(1)
      await pool.apply(tasks.square, [1])
      await pool.apply(dying.exit, [1]).catch(() => {})
      await pool.apply(tasks.square, [2])
      const { port } = server.address() as AddressInfo
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      const page = await readFile(path.join(root, 'docs/watching.md'), 'utf8')
      const rows = [...page.matchAll(/^\| `[\w.]+` \| `(\w+)` \| (histogram|counter)?/gm)]
      assert.equal(rows.length, 8)
      for (const [, name, type = 'gauge'] of rows) assert.match(text, new RegExp(`^# TYPE ${name} ${type}$`, 'm'))
      assert.match(text, /^messaging_process_duration_count\{.*error_type="WorkerDiedError".*\} 1$/m)
      assert.match(text, /^multiprocess_worker_restart_count_total\{.*\} 1$/m)
      assert.match(text, /^multiprocess_worker_count\{multiprocess_worker_state="idle".*\} 1$/m)
    } finally {
      server.close()
    }
  })

  test('a worker whose exporter is stuck ends all the same, after 5 s', async () => {
    enable()
    const pool = new Pool(1, { initializer: setUpStuck })
    await pool.apply(tasks.square, [1])
    const begin = performance.now()
    pool.close()
    await pool.join()
    const ms = performance.now() - begin
    assert.ok(ms >= 4900 && ms < limit(30_000), `${ms} ms`)
  })

  test('the names of metrics are those of the current conventions', () => {
    const known = new Map(Object.entries(conventions).map(([key, name]) => [name as unknown, key]))
    for (const name of Object.values(ATTRIBUTES)) assert.ok(known.has(name), name)
    for (const key of [
      'PROCESS_DURATION',
      'CLIENT_OPERATION_DURATION',
      'CLIENT_SENT_MESSAGES',
      'CLIENT_CONSUMED_MESSAGES'
    ]) {
      assert.match((conventions as Record<string, unknown>)[`METRIC_MESSAGING_${key}`] as string, /^messaging\./)
    }
  })

  test('the SDK registers the instrumentation, and gives it its providers', async () => {
    const measured = new Metrics()
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    enabled = new MultiprocessInstrumentation({ enabled: false })
    await using pool = new Pool(1)
    await pool.apply(tasks.square, [1])
    assert.equal(exporter.getFinishedSpans().length, 0)
    const unregister = registerInstrumentations({
      instrumentations: [enabled],
      tracerProvider,
      meterProvider: measured.provider
    })
    await pool.apply(tasks.square, [1])
    assert.equal(exporter.getFinishedSpans().length, 1)
    const { instrumentationScope } = exporter.getFinishedSpans()[0]
    assert.equal(instrumentationScope.name, 'multiprocess')
    assert.match(instrumentationScope.version ?? '', /^\d+\.\d+\.\d+/)
    assert.equal(await measured.sum('messaging.process.duration'), 1)
    unregister()
    await pool.apply(tasks.square, [1])
    assert.equal(exporter.getFinishedSpans().length, 1)
    assert.equal(await measured.sum('messaging.process.duration'), 1)
  })

  test('a meter provider that is registered later gets the metrics', async () => {
    enable()
    await using pool = new Pool(1)
    await pool.apply(tasks.square, [1])
    const measured = new Metrics()
    metrics.setGlobalMeterProvider(measured.provider)
    try {
      await pool.apply(tasks.square, [1])
      assert.equal(await measured.sum('messaging.process.duration'), 1)
      assert.equal(await measured.sum('multiprocess.worker.count'), 1)
    } finally {
      metrics.disable()
    }
  })

  test('tasks that run when the instrumentation is disabled end their spans', async () => {
    const exporter = new InMemorySpanExporter()
    enable({ tracerProvider: new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }) })
    await using pool = new Pool(1)
    const result = pool.apply(tasks.square, [1])
    enabled?.disable()
    await Promise.all([result, pool.apply(tasks.square, [2])])
    assert.equal(exporter.getFinishedSpans().length, 1)
  })

  test('a second instrumentation and an unknown option are refused', () => {
    enable()
    assert.throws(() => new MultiprocessInstrumentation(), {
      code: 'ERR_VALUE',
      message: /another one is enabled.*disable\(\)/
    })
    assert.throws(() => new MultiprocessInstrumentation(), ValueError)
    new MultiprocessInstrumentation({ enabled: false }).disable()
    assert.throws(() => new MultiprocessInstrumentation({ tracers: 1 } as never), /unknown option 'tracers'/)
    assert.throws(() => new MultiprocessInstrumentation({ enabled: 1 } as never), /enabled must be true or false/)
    assert.throws(
      () => new MultiprocessInstrumentation({ tracerProvider: {} } as never),
      /tracerProvider must be an object with getTracer\(\), got/
    )
    assert.throws(() => new MultiprocessInstrumentation({ meterProvider: null } as never), /meterProvider must be/)
  })
})
