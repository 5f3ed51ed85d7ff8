import { arrays } from './parts/arrays.ts'
import { cpu } from './parts/cpu.ts'
import { map } from './parts/map.ts'
import { mixed } from './parts/mixed.ts'
import type { Part } from './parts/part.ts'
import { roundTrip } from './parts/round-trip.ts'
import { throughput } from './parts/throughput.ts'

export const parts: readonly Part[] = [throughput, roundTrip, map, mixed, arrays, cpu]

/** Those named in a comma-separated list. */
export function selectParts(list: string): Part[] {
  return list.split(',').map(name => {
    const part = parts.find(({ id }) => id === name.trim())
    if (part !== undefined) return part
    throw new Error(`--part ${list}: there is no part "${name}"; there are ${parts.map(({ id }) => id).join(', ')}`)
  })
}
