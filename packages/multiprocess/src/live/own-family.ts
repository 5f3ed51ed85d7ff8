/** The family of this process, read as `multiprocess top` reads it, but without looking through all processes of the machine. */
import { statSync } from 'node:fs'
import { openFamily } from '../ground/family.ts'
import type { ProcessPlatform } from '../ground/members/process-platform.ts'
import { type ArenaFile, type Holder, Proc } from '../top/proc.ts'
import type { Snapshot } from '../top/snapshot.ts'
import { Watcher } from '../top/watcher.ts'
import type { FamilyRow } from './messages.ts'

/** Knows which processes to look at from the family's own table. */
class OwnProc extends Proc {
  override arenas(): ArenaFile[] {
    const family = openFamily('spawn')
    if (family === undefined) return []
    const path = `/proc/self/fd/${(family.platform as ProcessPlatform).fd}`
    const pids = new Set([...family.table.members()].map(id => family.table.pid(id)))
    const holders = [...pids].filter(pid => pid > 0).map(pid => this.holder(pid))
    const inode = Number(statSync(path, { bigint: true }).ino)
    return [{ inode, path, holders: holders.filter((holder): holder is Holder => holder !== undefined) }]
  }
}

export class OwnFamily {
  readonly #watcher: Watcher | undefined

  /** @param interval milliseconds between two looks */
  constructor(interval: number) {
    try {
      this.#watcher = new Watcher({ interval, asksTimes: false, proc: new OwnProc() })
    } catch {
      // There is no /proc: over threads there is nothing to see from outside.
    }
  }

  /** Null: this process has no family of processes, or cannot look at it. */
  async look(): Promise<FamilyRow | null> {
    if (this.#watcher === undefined || openFamily('spawn') === undefined) return null
    return rowOf(await this.#watcher.look())
  }
}

function rowOf({ processes, pools, queues, locks, managers, waits, deadlocks }: Snapshot): FamilyRow {
  const others = pools.filter(({ pid }) => pid !== process.pid)
  return { processes, pools: others, queues, locks, managers, waits: waits.filter(isShown), deadlocks }
}

/** Idle workers are in the table of the pools; the library's own waits have no kind. */
function isShown({ for: target, kind }: Snapshot['waits'][number]): boolean {
  return target !== 'task' && target !== 'permit' && kind !== ''
}
