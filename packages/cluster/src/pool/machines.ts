/** The worker programs of a cluster, as they report themselves. */
import type { Redis } from 'ioredis'
import type { WorkerStats } from 'multiprocess'
import type { Versions } from '../wire/batch.ts'
import type { Names } from '../wire/names.ts'

/** A worker program. */
export interface MachineStats {
  /** The id of the worker program. */
  readonly id: string
  /** The name of its host. */
  readonly host: string
  /** Its pid. */
  readonly pid: number
  /** The version of Node on it. */
  readonly node: string
  /** The number of worker processes. */
  readonly processes: number
  /** The number of batches that it has now. */
  readonly batches: number
  /** The number of items that it has done since it began. */
  readonly done: number
  /** The items per second, over the last seconds. */
  readonly rate: number
  /** Its worker processes. */
  readonly workers: readonly WorkerStats[]
}

export interface MachineReport extends MachineStats {
  readonly versions: Versions
}

/** A machine reports this often, in milliseconds. */
export const REPORT_MS = 2000
/** A machine that has not reported for this long is left out, in milliseconds. */
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

/** Returns the machines that have reported recently, and removes the others from the list. */
export async function readMachines(redis: Redis, names: Names): Promise<MachineReport[]> {
  const ids = await redis.smembers(names.machines)
  if (ids.length === 0) return []
  const texts = await redis.mget(ids.map(names.machine))
  const gone = ids.filter((_, i) => texts[i] === null)
  if (gone.length > 0) await redis.srem(names.machines, ...gone)
  return texts.filter(text => text !== null).map(text => JSON.parse(text) as MachineReport)
}
