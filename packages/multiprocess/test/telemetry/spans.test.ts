/** A span for each task: what it is called, whose child it is, how it ends; and the spans that are made in workers. */
import assert from 'node:assert/strict'
import { before, beforeEach, describe, test } from 'node:test'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { MultiprocessError, Pool, PoolTerminatedError, TimeoutError } from '../../src/index.ts'
import { MultiprocessInstrumentation } from '../../src/otel.ts'
import * as threads from '../../src/threads.ts'
import * as dying from '../fixtures/pool/dying.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { Gate, Program, range, Scratch, until } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'
import {
  baggage,
  exitOnce,
  failInSpan,
  failLater,
  inner,
  innerLater,
  loadedFiles,
  type SeenSpan,
  setUp,
  spin,
  takeSpans
} from '../fixtures/telemetry/spans.ts'

const timeout = limit(120_000)
const tracer = trace.getTracer('tests')

/** Runs `call` in a span `caller`. @returns what it returns, and all spans of this process that have ended, by whether they are that one */
async function called<R>(call: () => R): Promise<{ value: Awaited<R>; caller: SeenSpan; spans: SeenSpan[] }> {
  takeSpans()
  const value = await tracer.startActiveSpan('caller', async span => {
    try {
      return await call()
    } finally {
      span.end()
    }
  })
  const all = takeSpans()
  const caller = all.find(({ name }) => name === 'caller') as SeenSpan
  return { value, caller, spans: all.filter(span => span !== caller) }
}

const named = (spans: readonly SeenSpan[], name: string) => spans.filter(span => span.name === name)

function checkChildren(parent: SeenSpan, children: readonly SeenSpan[]): void {
  for (const { parent: id, traceId } of children) assert.deepEqual([id, traceId], [parent.spanId, parent.traceId])
}

before(() => {
  setUp()
  new MultiprocessInstrumentation()
})
beforeEach(() => void takeSpans())

for (const [ground, Type] of [
  ['processes', Pool],
  ['threads', threads.Pool]
] as const) {
  describe(`spans of tasks over ${ground}`, { timeout }, () => {
    test('a task of apply is a span, the child of the caller’s, with the names of the conventions', async () => {
      await using pool = new Type(1)
      const { value, caller, spans } = await called(() => pool.apply(tasks.square, [3]))
      assert.equal(value, 9)
      assert.equal(spans.length, 1)
      checkChildren(caller, spans)
      const [{ name, kind, status, attributes }] = spans
      assert.deepEqual([name, kind, status.code], ['apply square', SpanKind.PRODUCER, SpanStatusCode.UNSET])
      const { 'multiprocess.task.queue.duration': wait, ...others } = attributes
      assert.ok((wait as number) >= 0 && (wait as number) < limit(120), `${wait} s`)
      assert.deepEqual(others, {
        'messaging.system.name': 'multiprocess',
        'messaging.operation.name': 'apply',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'square',
        'messaging.message.id': '1',
        'multiprocess.worker.pid': pool.stats.workers[0].pid,
        'multiprocess.task.outcome': 'success'
      })
    })

    test('a worker with an SDK has a span for the task, and spans that the task makes are its children', async () => {
      await using pool = new Type(1, { initializer: setUp })
      for (const [fn, name] of [
        [inner, 'inner'],
        [innerLater, 'innerLater']
      ] as const) {
        const { value, caller, spans } = await called(() => pool.apply(fn, [4]))
        assert.equal(value, 16)
        const [task] = spans
        checkChildren(caller, [task])
        const there = (await pool.apply(takeSpans)).filter(span => span.traceId === caller.traceId)
        const [processing] = named(there, `process ${name}`)
        checkChildren(task, [processing])
        checkChildren(processing, named(there, 'inner'))
        assert.deepEqual(there.map(span => span.name).sort(), ['inner', `process ${name}`])
        assert.deepEqual([processing.kind, processing.isParentRemote], [SpanKind.CONSUMER, true])
        assert.deepEqual(processing.attributes, {
          'messaging.system.name': 'multiprocess',
          'messaging.operation.name': 'process',
          'messaging.operation.type': 'process',
          'messaging.destination.name': name,
          'messaging.message.id': task.attributes['messaging.message.id']
        })
      }
    })

    test('each chunk of a map is a child of the caller’s span, even if it is submitted later', async () => {
      await using pool = new Type(2, { initializer: setUp })
      const { value, caller, spans } = await called(() => pool.map(inner, range(60), 1))
      assert.deepEqual(
        value,
        range(60).map(n => n * n)
      )
      assert.equal(spans.length, 60)
      checkChildren(caller, spans)
      for (const { name, attributes } of spans) {
        assert.equal(name, 'map inner')
        assert.equal(attributes['messaging.batch.message_count'], 1)
      }
      assert.equal(new Set(spans.map(span => span.attributes['messaging.message.id'])).size, 60)
      const whole = await called(() => pool.starmap(tasks.list, [[1], [2], [3]], 3))
      assert.deepEqual(
        whole.spans.map(({ name, attributes }) => [name, attributes['messaging.batch.message_count']]),
        [['starmap list', 3]]
      )
    })

    test('a chunk that a worker gives back ends its span, and the returned items have spans of their own', async () => {
      await using pool = new Type(2)
      const { value, spans, caller } = await called(() => pool.map((n: number) => n + 1, range(5000)))
      assert.deepEqual(
        value,
        range(5000).map(n => n + 1)
      )
      checkChildren(caller, spans)
      for (const span of spans) assert.equal(span.attributes['multiprocess.task.outcome'], 'success')
    })

    test('imap records the errors of items on the span of their chunk', async () => {
      await using pool = new Type(1, { initializer: setUp })
      const odd = (n: number) => {
        if (n % 2 === 1) throw new RangeError(`odd: ${n}`)
        return n
      }
      const { spans, caller } = await called(async () => {
        const statuses: string[] = []
        for await (const { status } of pool.imap(odd, range(4), { chunksize: 4, settled: true })) statuses.push(status)
        assert.deepEqual(statuses, ['fulfilled', 'rejected', 'fulfilled', 'rejected'])
      })
      checkChildren(caller, spans)
      const [processing] = (await pool.apply(takeSpans)).filter(span => span.traceId === caller.traceId)
      for (const { status, exceptions, attributes } of [spans[0], processing]) {
        assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: '2 of 4 items failed: odd: 1' })
        assert.deepEqual(exceptions, ['RangeError: odd: 1', 'RangeError: odd: 3'])
        assert.equal(attributes['error.type'], 'RangeError')
      }
      assert.deepEqual([spans.length, spans[0].name, processing.name], [1, 'imap odd', 'process odd'])
    })

    test('leaving an imap early ends the spans of tasks that have not begun as stopped, without an error', async () => {
      await using scratch = await Scratch.create()
      await using pool = new Type(1)
      const gate = new Gate(scratch)
      const held = pool.apply(tasks.holdGate, gate.args)
      await gate.arrival()
      const results = pool.imap(tasks.square, range(100))
      await until(() => pool.stats.submitted >= 4, 'the imap submits')
      await results.return()
      await until(() => pool.stats.pending === 1, 'what was not begun is withdrawn')
      await null
      const spans = named(takeSpans(), 'imap square')
      assert.ok(spans.length >= 3, `${spans.length} spans`)
      for (const { status, attributes } of spans) {
        assert.equal(status.code, SpanStatusCode.UNSET)
        assert.equal(attributes['multiprocess.task.outcome'], 'stopped')
        assert.equal(attributes['multiprocess.worker.pid'], undefined)
      }
      gate.open()
      await held
      assert.equal(named(takeSpans(), 'apply holdGate').length, 1)
    })

    test('callbacks run in the context of the caller', async () => {
      await using pool = new Type(1)
      const seen: (string | undefined)[] = []
      const note = () => void seen.push(trace.getActiveSpan()?.spanContext().spanId)
      const { caller } = await called(async () => {
        await pool.applyAsync(tasks.square, [2], { callback: note })
        await pool.applyAsync(failInSpan, ['no'], { errorCallback: note }).wait()
        await pool.mapAsync(tasks.square, [1, 2], { callback: note, progress: note })
      })
      await until(() => seen.length >= 4, 'all callbacks have run')
      assert.deepEqual(new Set(seen), new Set([caller.spanId]))
    })

    test('errors are recorded on the spans of both sides', async () => {
      await using pool = new Type(1, { initializer: setUp })
      for (const fn of [failInSpan, failLater]) {
        const { spans, caller } = await called(() => assert.rejects(async () => pool.apply(fn, ['no']), RangeError))
        const [processing] = (await pool.apply(takeSpans)).filter(span => span.traceId === caller.traceId)
        for (const { status, exceptions, attributes } of [spans[0], processing]) {
          assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: 'no' })
          assert.deepEqual(exceptions, ['RangeError: no'])
          assert.equal(attributes['error.type'], 'RangeError')
        }
        assert.equal(spans[0].attributes['multiprocess.task.outcome'], 'error')
      }
      const { spans } = await called(() => assert.rejects(() => pool.map(failInSpan, ['a', 'b'], 2)))
      assert.deepEqual(
        spans.map(({ name, exceptions }) => [name, exceptions]),
        [['map failInSpan', ['RangeError: a']]]
      )
    })

    test('a thrown value that is not an error is recorded, too', async () => {
      await using pool = new Type(1)
      const throwText = (text: string) => {
        throw text
      }
      const { spans } = await called(() => pool.apply(throwText, ['just text']).catch(() => {}))
      assert.equal(spans[0].attributes['error.type'], '_OTHER')
      assert.deepEqual(spans[0].status, { code: SpanStatusCode.ERROR, message: 'just text' })
    })

    test('a task that cannot cross ends its span, and the error names the path in its arguments', async () => {
      await using pool = new Type(1)
      const { spans } = await called(async () => {
        const path = /args\[1\]\.deep/
        await assert.rejects(async () => pool.apply(tasks.list, [1, { deep: new WeakMap() }]), path)
        await assert.rejects(() => pool.map(tasks.list, [1, new WeakMap()], 1), /items\[1\]/)
      })
      const failed = spans.filter(({ status }) => status.code === SpanStatusCode.ERROR)
      assert.deepEqual(
        failed.map(({ name, attributes }) => [name, attributes['error.type']]),
        [
          ['apply list', 'SerializationError'],
          ['map list', 'SerializationError']
        ]
      )
      assert.equal(await pool.apply(tasks.square, [2]), 4)
    })

    test('aborted tasks end their spans with the reason, whether they wait or run', async () => {
      await using scratch = await Scratch.create()
      await using pool = new Type(1)
      const controller = new AbortController()
      const gate = new Gate(scratch)
      const { spans } = await called(async () => {
        const { signal } = controller
        const options = { signal, killAfter: 10_000 }
        const running = pool.applyAsync(tasks.holdGate, gate.args, options)
        await gate.arrival()
        const waiting = pool.applyAsync(tasks.square, [1], options)
        const mapping = pool.map(tasks.square, range(3), { ...options, chunksize: 1 })
        await until(() => pool.stats.submitted === 5, 'the map submits')
        controller.abort()
        for (const result of [running, waiting, mapping]) await assert.rejects(result, { name: 'AbortError' })
        gate.open()
        assert.equal(await pool.apply(tasks.square, [2]), 4)
      })
      const aborted = spans.filter(({ status }) => status.code === SpanStatusCode.ERROR)
      assert.deepEqual(aborted.map(({ name }) => name).sort(), [
        'apply holdGate',
        'apply square',
        'map square',
        'map square',
        'map square'
      ])
      for (const { attributes } of aborted) {
        assert.equal(attributes['error.type'], 'AbortError')
        assert.equal(attributes['multiprocess.task.outcome'], 'stopped')
      }
    })

    test('an aborted map whose chunk runs ends that chunk’s span once the worker has left it', async () => {
      await using scratch = await Scratch.create()
      await using pool = new Type(1)
      const controller = new AbortController()
      const gate = new Gate(scratch)
      const options = { signal: controller.signal, killAfter: 60_000, chunksize: 1 }
      const mapping = pool.starmap(tasks.holdGate, [gate.args], options)
      await gate.arrival()
      controller.abort()
      await assert.rejects(mapping, { name: 'AbortError' })
      assert.equal(takeSpans().length, 0)
      gate.open()
      await until(() => pool.stats.pending === 0, 'the worker has left the chunk')
      await new Promise(setImmediate)
      const [span] = takeSpans()
      assert.deepEqual([span.name, span.attributes['error.type']], ['starmap holdGate', 'AbortError'])
      assert.equal(span.attributes['multiprocess.worker.pid'], pool.stats.workers[0].pid)
    })

    test('a task that times out ends its span at its worker with that error', async () => {
      await using pool = new Type(1)
      const [{ pid }] = pool.stats.workers
      const { spans } = await called(() =>
        assert.rejects(async () => pool.apply(spin, [], { timeout: 50, killAfter: 20 }), TimeoutError)
      )
      const [{ status, attributes, milliseconds }] = spans
      assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: 'the task ran for more than 50 ms' })
      assert.deepEqual([attributes['error.type'], attributes['multiprocess.worker.pid']], ['TimeoutError', pid])
      assert.ok(milliseconds >= 50, `${milliseconds} ms`)
    })

    test('a task whose worker is killed ends its span with that error', async () => {
      await using pool = new Type(1)
      const { spans } = await called(() => pool.apply(dying.exit, [3]).catch(() => {}))
      const [{ status, attributes, exceptions }] = spans
      assert.match(status.message ?? '', /ended with exit code 3 while it ran the task/)
      assert.deepEqual([status.code, attributes['error.type']], [SpanStatusCode.ERROR, 'WorkerDiedError'])
      assert.equal(exceptions.length, 1)
    })

    test('a task that is tried again is one span, which counts the attempts', async () => {
      await using scratch = await Scratch.create()
      await using pool = new Type(1, { initializer: setUp })
      const { value, caller, spans } = await called(() =>
        pool.apply(exitOnce, [scratch.file('tried'), 7], { retries: 2 })
      )
      assert.equal(value, 7)
      assert.equal(spans.length, 1)
      checkChildren(caller, spans)
      const [{ attributes, status, spanId }] = spans
      assert.equal(status.code, SpanStatusCode.UNSET)
      assert.equal(attributes['multiprocess.task.retry.count'], 1)
      assert.equal(attributes['multiprocess.task.outcome'], 'success')
      const there = named(await pool.apply(takeSpans), 'process exitOnce')
      assert.deepEqual(
        there.map(span => span.parent),
        [spanId]
      )
    })

    test('tasks of a terminated pool end their spans', async () => {
      await using scratch = await Scratch.create()
      const pool = new Type(1)
      const gate = new Gate(scratch)
      const { spans } = await called(async () => {
        const all = [pool.apply(tasks.holdGate, gate.args), ...range(3000).map(n => pool.apply(tasks.square, [n]))]
        const mapping = pool.map(tasks.square, range(4), 1)
        await gate.arrival()
        await until(() => pool.stats.submitted === 3005, 'the map submits')
        pool.terminate()
        for (const result of [...all, mapping]) await assert.rejects(result, PoolTerminatedError)
        await pool.join()
      })
      assert.equal(spans.length, 3005)
      for (const span of spans) assert.equal(span.attributes['error.type'], 'PoolTerminatedError')
    })

    test('every task has its span if there are more tasks than slots', async () => {
      await using pool = new Type(2, { initializer: setUp })
      const { spans, caller } = await called(() => Promise.all(range(2500).map(n => pool.apply(tasks.square, [n]))))
      checkChildren(caller, spans)
      assert.equal(new Set(spans.map(span => span.attributes['messaging.message.id'])).size, 2500)
    })

    test('baggage crosses to the worker', async () => {
      await using pool = new Type(1, { initializer: setUp })
      const bag = propagation.createBaggage({ tenant: { value: 'blue' } })
      const active = propagation.setBaggage(context.active(), bag)
      assert.equal(await context.with(active, () => pool.apply(baggage, ['tenant'])), 'blue')
      assert.equal(await pool.apply(baggage, ['tenant']), undefined)
    })

    test('a worker without an SDK loads nothing of OpenTelemetry', async () => {
      await using pool = new Type(1)
      const files = await pool.apply(loadedFiles)
      const isTelemetry = (file: string) => file.endsWith('telemetry-task.cjs')
      assert.deepEqual([files.some(file => file.endsWith('pool-shared.cjs')), files.filter(isTelemetry)], [true, []])
      await using other = new Type(1, { initializer: setUp })
      assert.equal((await other.apply(loadedFiles)).filter(isTelemetry).length, 1)
    })

    test('a blocking call is a span, too', async () => {
      await using pool = new Type(1)
      const { value, spans, caller } = await called(() => pool.applySync(tasks.square, [5]))
      assert.equal(value, 25)
      checkChildren(caller, spans)
      assert.equal(spans.length, 1)
      const failing = await called(() => assert.throws(() => pool.applySync(failInSpan, ['no']), RangeError))
      assert.deepEqual(failing.spans[0].exceptions, ['RangeError: no'])
    })

    test('insights show the arguments of a task without the trace context', async () => {
      await using pool = new Type(1, { timings: true })
      await pool.apply(tasks.list, ['first', 'second'])
      await pool.apply((text: string) => text, ['third'])
      assert.deepEqual(
        pool
          .insights()
          .slowest.map(({ args }) => args)
          .sort(),
        ["[ 'first', 'second' ]", "[ 'third' ]"]
      )
    })
  })
}

test('a program without telemetry loads nothing of OpenTelemetry, and neither do its workers', {
  timeout
}, async () => {
  await using scratch = await Scratch.create({
    'tasks.mjs': `
      import { createRequire } from 'node:module'
      export const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter(file => /telemetry/.test(file))`,
    'main.mjs': `
      import { Pool } from '%LIBRARY%'
      import { loaded } from './tasks.mjs'
      const pool = new Pool(1)
      console.log(JSON.stringify([await pool.apply(loaded), loaded()]))
      pool.close()
      await pool.join()`
  })
  await using program = new Program(scratch.file('main.mjs'))
  const { stdout, stderr } = await program.outcome
  assert.deepEqual([stdout, stderr], ['[[],[]]\n', ''])
})

test('an error of this package keeps its name on the span', { timeout }, async () => {
  await using pool = new Pool(1)
  const fail = () => {
    throw new MultiprocessError('own')
  }
  const { spans } = await called(() => pool.apply(fail).catch(() => {}))
  assert.deepEqual(spans[0].exceptions, ['ERR_MULTIPROCESS: own'])
})
