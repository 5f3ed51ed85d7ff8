/** The pools of a family, from copies of their blocks. */
import { UNIT, WINDOW_BYTES } from '../ground/arena/layout.ts'
import { monotonicMs, toWord, wordsBetween } from '../ground/os/time.ts'
import { PoolWords, WORDS_FOR_OTHERS } from '../pool/shared/pool-words.ts'
import { SLOT_COUNT, TaskTable } from '../pool/shared/task-table.ts'
import type { ArenaView } from './arena-view.ts'
import type { SeenMember } from './members.ts'
import type { PoolWorkerEntry } from './snapshot.ts'

/** Times that are older are none of now. */
const LATELY_MS = 15_000

export class SeenPool {
  readonly at: number
  readonly owner: number
  readonly #table: TaskTable
  readonly #places: number

  constructor(view: ArenaView, at: number, places: number, owner: number) {
    const words = view.words(at, TaskTable.bytesFor(places) / 4)
    // What a table takes for its window begins with its block here.
    const window = { words, bytes: new Uint8Array(words.buffer), address: 0 }
    this.#table = new TaskTable({ rangeOf: () => ({ window, start: 0 }) }, 0, places)
    this.at = at
    this.owner = owner
    this.#places = places
  }

  get id(): string {
    return (this.at / UNIT).toString(36)
  }

  get counts(): PoolWords {
    return this.#table.forOthers
  }

  get bytes(): number {
    return TaskTable.bytesFor(this.#places)
  }

  /** How long tasks waited and ran in the last seconds. */
  get times(): PoolWords['times'] {
    const { times } = this.counts
    if (times === undefined) return undefined
    return wordsBetween(times.at, toWord(monotonicMs())) < LATELY_MS ? times : undefined
  }

  /** Whether those who sleep on a word of it wait for a task, or to be let work. */
  targetAt(at: number): 'task' | 'permit' {
    return at - this.at === this.#table.signalAt ? 'task' : 'permit'
  }

  workers(members: ReadonlyMap<number, SeenMember>): PoolWorkerEntry[] {
    const busy = new Set<number>()
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const worker = this.#table.takenBy(slot)
      if (worker >= 0) busy.add(worker)
    }
    const workers: PoolWorkerEntry[] = []
    for (let place = 0; place < this.#places; place++) {
      const member = members.get(this.#table.member(place))
      if (member === undefined) continue
      workers.push({
        pid: member.pid,
        name: member.name,
        tasks: this.#table.doneTail(place),
        busy: busy.has(place)
      })
    }
    return workers
  }
}

/** The pool whose block begins there; undefined if it is another block, or one that a dead process has left. */
export function poolAt(view: ArenaView, at: number, owner: number): SeenPool | undefined {
  const words = view.words(at + TaskTable.othersAt, WORDS_FOR_OTHERS)
  const shape = new PoolWords(words, new Float64Array(words.buffer), 0).shape
  if (shape === undefined || shape.owner !== owner || shape.places < 1) return undefined
  if (TaskTable.bytesFor(shape.places) > WINDOW_BYTES) return undefined
  return new SeenPool(view, at, shape.places, owner)
}

/** Makes the pool measure how long its tasks wait and run, for this many milliseconds. */
export function watchPool(view: ArenaView, { at }: SeenPool, ms: number): void {
  view.write(at + TaskTable.othersAt + PoolWords.watchedAt, toWord(monotonicMs() + ms))
}
