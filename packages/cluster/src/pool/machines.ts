/** The worker programs of a cluster, as they tell of themselves. */
import type { Redis } from 'ioredis'
import type { WorkerStats } from 'multiprocess'
import type { Versions } from '../wire/batch.ts'
import type { Names } from '../wire/names.ts'

/** A worker program. */
export interface MachineStats {
  readonly id: string
  readonly host: string
  readonly pid: number
  /** Node's version there. */
  readonly node: string
  /** Worker processes. */
  readonly processes: number
  /** Batches that it has now. */
  readonly batches: number
  /** Items that it has done since it began. */
  readonly done: number
  /** Items a second, over the last seconds. */
  readonly rate: number
  readonly workers: readonly WorkerStats[]
}

export interface MachineReport extends MachineStats {
  readonly versions: Versions
}

/** How often a machine reports. */
export const REPORT_MS = 2000
/** A machine that has not reported for this long is left out. */
export const REPORT_LIFETIME_MS = 10_000

export async function report(redis: Redis, names: Names, machine: MachineReport): Promise<void> {
  await redis
    .pipeline()
    .set(names.machine(machine.id), JSON.stringify(machine), 'PX', REPORT_LIFETIME_MS)
    .sadd(names.machines, machine.id)
    .exec()
}

export async function leave(redis: Redis, names: Names, id: string): Promise<void> {
  await redis.pipeline().del(names.machine(id), names.inbox(id)).srem(names.machines, id).exec()
}

/** The machines that have reported lately; others are taken from the list. */
export async function readMachines(redis: Redis, names: Names): Promise<MachineReport[]> {
  const ids = await redis.smembers(names.machines)
  if (ids.length === 0) return []
  const texts = await redis.mget(ids.map(names.machine))
  const gone = ids.filter((_, i) => texts[i] === null)
  if (gone.length > 0) await redis.srem(names.machines, ...gone)
  return texts.filter(text => text !== null).map(text => JSON.parse(text) as MachineReport)
}
