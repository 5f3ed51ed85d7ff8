/** What a program's pools measure: times and counts of tasks, and how many workers there are. */
import type {
  Attributes,
  Counter,
  Histogram,
  Meter,
  ObservableCallback,
  ObservableUpDownCounter
} from '@opentelemetry/api'
import { openPools } from '../pool/telling/open-pools.ts'
import { OWN_ATTRIBUTES } from './task/names.ts'

/** In seconds: those of the conventions, and shorter ones, since many tasks take no millisecond. */
const BOUNDARIES = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10
]

export class PoolMetrics {
  readonly #queued: Histogram
  readonly #ran: Histogram
  readonly #took: Histogram
  readonly #sent: Counter
  readonly #consumed: Counter
  readonly #restarts: Counter
  readonly #workers: ObservableUpDownCounter
  readonly #pending: ObservableUpDownCounter
  readonly #countWorkers: ObservableCallback
  readonly #countPending: ObservableCallback

  constructor(meter: Meter) {
    const times = { unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } }
    this.#queued = meter.createHistogram('multiprocess.task.queue.duration', {
      ...times,
      description: 'Time that tasks waited until a worker began them.'
    })
    this.#ran = meter.createHistogram('messaging.process.duration', {
      ...times,
      description: 'Time that tasks ran in a worker.'
    })
    this.#took = meter.createHistogram('messaging.client.operation.duration', {
      ...times,
      description: 'Time from the submission of tasks until their results were there.'
    })
    this.#sent = meter.createCounter('messaging.client.sent.messages', {
      unit: '{message}',
      description: 'Calls and items given to pools.'
    })
    this.#consumed = meter.createCounter('messaging.client.consumed.messages', {
      unit: '{message}',
      description: 'Calls and items whose results have come.'
    })
    this.#restarts = meter.createCounter('multiprocess.worker.restart.count', {
      unit: '{restart}',
      description: 'Workers that were started in the place of others.'
    })
    this.#workers = meter.createObservableUpDownCounter('multiprocess.worker.count', {
      unit: '{worker}',
      description: 'Workers that run, by whether they have a task.'
    })
    this.#pending = meter.createObservableUpDownCounter('multiprocess.task.pending.count', {
      unit: '{task}',
      description: 'Tasks that wait or run.'
    })
    this.#countWorkers = result => {
      const { busy, idle } = countWorkers()
      result.observe(busy, { [OWN_ATTRIBUTES.workerState]: 'busy' })
      result.observe(idle, { [OWN_ATTRIBUTES.workerState]: 'idle' })
    }
    this.#countPending = result => {
      let pending = 0
      for (const { table } of openPools) pending += table.forOthers.pending
      result.observe(pending)
    }
    this.#workers.addCallback(this.#countWorkers)
    this.#pending.addCallback(this.#countPending)
  }

  /** @param seconds from the submission, or the last try, to the begin */
  queued(seconds: number, attributes: Attributes): void {
    this.#queued.record(seconds, attributes)
  }

  ran(seconds: number, attributes: Attributes): void {
    this.#ran.record(seconds, attributes)
  }

  took(seconds: number, attributes: Attributes): void {
    this.#took.record(seconds, attributes)
  }

  sent(count: number, attributes: Attributes): void {
    this.#sent.add(count, attributes)
  }

  consumed(count: number, attributes: Attributes): void {
    this.#consumed.add(count, attributes)
  }

  restarted(count: number): void {
    this.#restarts.add(count)
  }

  /** Nothing is observed any more. */
  end(): void {
    this.#workers.removeCallback(this.#countWorkers)
    this.#pending.removeCallback(this.#countPending)
  }
}

function countWorkers(): { readonly busy: number; readonly idle: number } {
  let [busy, idle] = [0, 0]
  for (const { table } of openPools) {
    const places = table.forOthers.shape?.places ?? 0
    for (let place = 0; place < places; place++) {
      if (table.member(place) === 0) continue
      if (table.isBusy(place)) busy++
      else idle++
    }
  }
  return { busy, idle }
}
