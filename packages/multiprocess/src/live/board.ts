/** What the page of the dashboard is told, message by message. */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { monotonicMs, wallMs } from '../ground/os/time.ts'
import { TraceRows } from '../observe/trace-rows.ts'
import { openPools } from '../pool/telling/open-pools.ts'
import type { FamilyRow, Hello, PoolRow, Tick } from './messages.ts'
import { OwnFamily } from './own-family.ts'
import { Recorder } from './recorder.ts'

export const INTERVAL_MS = 500
/** Pools are looked at in every second message, and so are processes, unless that takes more than this share of the time. */
const LOOK_EVERY = 2
const MOST_SHARE = 1 / 400
/** Whatever a look takes, the next one comes after so many milliseconds. */
const LONGEST_REST_MS = 5000
const MOST_AT_ONCE = 3000

export class Board {
  readonly recorder = new Recorder()
  readonly #run = randomUUID()
  readonly #family = new OwnFamily(INTERVAL_MS * LOOK_EVERY)
  #ticks = 0
  #nextFamily = 0

  hello(): Hello {
    const { recorder } = this
    return {
      pid: process.pid,
      command: commandOf(process.argv),
      node: process.version,
      run: this.#run,
      time: wallMs(),
      clock: monotonicMs(),
      interval: INTERVAL_MS,
      tasks: recorder.tasks(MOST_AT_ONCE),
      workers: recorder.workers,
      failures: recorder.failures
    }
  }

  /** @param isWhole leaves nothing out */
  async tick(isWhole: boolean): Promise<Tick> {
    const isLook = isWhole || ++this.#ticks % LOOK_EVERY === 0
    const pools = isLook ? { pools: poolRows() } : {}
    const family =
      isWhole || (isLook && monotonicMs() >= this.#nextFamily) ? { family: await this.#lookAtFamily() } : {}
    return {
      time: wallMs(),
      clock: monotonicMs(),
      ...this.recorder.take(),
      maps: this.recorder.maps,
      ...pools,
      ...family
    }
  }

  /** Then rests for as long as keeps the cost low. */
  async #lookAtFamily(): Promise<FamilyRow | null> {
    const begin = monotonicMs()
    const row = await this.#family.look()
    const end = monotonicMs()
    this.#nextFamily = end + Math.min(LONGEST_REST_MS, (end - begin) / MOST_SHARE)
    return row
  }

  /** The tasks that are kept, in the Trace Event Format. */
  trace(): string {
    const rows = new TraceRows(false)
    const events = [rows.begin(), ...this.recorder.tasks().flatMap(task => rows.add(task))]
    return `[${events.map(event => JSON.stringify(event)).join(',\n')}]\n`
  }
}

/** Returns the command line of the program, without the folders of its files. */
function commandOf([node, script = '', ...args]: readonly string[]): string {
  return [basename(node), basename(script), ...args].filter(part => part !== '').join(' ')
}

function poolRows(): PoolRow[] {
  return [...openPools].map(({ events, method, processes, stats }) => {
    const { submitted, completed, failed, pending, workers } = stats()
    return {
      number: events.number,
      method,
      processes,
      submitted,
      completed,
      failed,
      pending,
      workers: workers.map(({ pid, tasks, busy, rss, restarts }) => ({ pid, tasks, busy, memory: rss, restarts })),
      summary: events.insights?.report.summary ?? null
    }
  })
}
