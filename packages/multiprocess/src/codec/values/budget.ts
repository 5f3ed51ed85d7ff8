/**
 * What decoding may cost if the bytes come from a program that has not authenticated. The length of a message limits neither memory nor
 * work: two bytes are an empty Map of 200 bytes, and integer keys that collide on purpose take quadratic time. So each object is charged
 * its size in V8 before it is created, and the time of adding keys to Maps and Sets is limited.
 */
import { SerializationError } from '../../errors.ts'
import { monotonicMs } from '../../ground/os/time.ts'
import {
  ARRAY,
  ARRAY_BUFFER,
  BOXED,
  DATE,
  ERROR,
  INCOMPLETE,
  MAP,
  MAX_DEPTH,
  OBJECT,
  POOLED_BUFFER,
  REFERRED,
  REGEXP,
  SET,
  URL_OBJECT,
  URL_SEARCH_PARAMS,
  VIEW
} from '../bytes/format.ts'

/** The bytes of memory that the value of any message may take. */
const LEAST_MEMORY = 2 ** 26
/** The bytes of memory for each byte of a longer message: the most that honest data takes. */
const MEMORY_PER_BYTE = 16
/** The maximum depth of objects: the encoder's own limit, and a margin for what the encoder does not count. */
const MOST_DEPTH = MAX_DEPTH + 8
/** The maximum number of shapes of one message that may be compiled. */
const MOST_COMPILED = 64

/** Up to this many keys of one Map or Set are added without a look at the clock: each takes less than MS_PER_KEY, colliding or not. */
export const FEW_KEYS = 128
/** The milliseconds that adding keys may take: for a message, and for each key. An honest key takes 0.0001. */
const KEYS_MS = 25
const MS_PER_KEY = 0.002

/** Estimated bytes of an object, and of each of its members. */
const COSTS: readonly (readonly [tag: number, object: number, member: number])[] = [
  [ARRAY, 32, 8],
  [OBJECT, 64, 64],
  [MAP, 256, 48],
  [SET, 256, 32],
  [DATE, 120, 0],
  [REGEXP, 400, 0],
  [BOXED, 32, 0],
  [ARRAY_BUFFER, 256, 0],
  [VIEW, 256, 0],
  [POOLED_BUFFER, 256, 0],
  [ERROR, 512, 0],
  [URL_OBJECT, 700, 0],
  [URL_SEARCH_PARAMS, 300, 0]
]
const OTHER_COST = 64
/** Estimated bytes for remembering an object for later references. */
const REFERRED_COST = 48

/** By a tag with its flags. */
const OBJECT_COST = new Uint16Array(256).fill(OTHER_COST)
const MEMBER_COST = new Uint16Array(256)
for (const [tag, object, member] of COSTS) {
  for (const flags of [0, INCOMPLETE]) {
    OBJECT_COST[tag | flags] = object
    MEMBER_COST[tag | flags] = flags === 0 ? member : 2 * member
  }
}
for (let tag = 0; tag < 256; tag++) {
  if ((tag & REFERRED) === 0) continue
  OBJECT_COST[tag] = OBJECT_COST[tag & ~REFERRED] + REFERRED_COST
  MEMBER_COST[tag] = MEMBER_COST[tag & ~REFERRED]
}

/** V8 fills a gap up to this length before an element with empty elements. */
const LONGEST_GAP = 1024
const GAP_COST = 16

export class Budget {
  readonly #bytes: number
  #left: number
  #depth = 0
  #compiled = 0
  #keys = 0
  #keysMs = 0

  /** @param bytes the length of the message */
  constructor(bytes: number) {
    this.#bytes = bytes
    this.#left = Math.max(LEAST_MEMORY, MEMORY_PER_BYTE * bytes)
  }

  /**
   * Charges an object and enters it.
   * @param count the number of its members, if it begins with one
   * @param rest the bytes left in the message: there are no more members than that
   */
  enter(tag: number, count: number, rest: number): void {
    if (++this.#depth > MOST_DEPTH) {
      throw new SerializationError(
        `cannot read the message: it is nested too deep (more than ${MAX_DEPTH} containers inside each other)`
      )
    }
    this.spend(OBJECT_COST[tag] + MEMBER_COST[tag] * Math.min(count, rest))
  }

  leave(): void {
    this.#depth--
  }

  /** @throws SerializationError if the budget of the message has no bytes of memory left */
  spend(bytes: number): void {
    this.#left -= bytes
    if (this.#left >= 0) return
    throw new SerializationError(
      `cannot receive the message: its ${this.#bytes} bytes would take more than ` +
        `${Math.max(LEAST_MEMORY, MEMORY_PER_BYTE * this.#bytes)} bytes of memory, which only a program that has shown its ` +
        'key may ask for; give both sides an authkey'
    )
  }

  /** Returns true if one more shape of this message may be compiled. */
  mayCompile(): boolean {
    return this.#compiled++ < MOST_COMPILED
  }

  /**
   * Adds many keys to a Map or Set.
   * @throws SerializationError once this takes longer than for keys that do not collide
   */
  addKeys(count: number, add: (index: number) => void): void {
    const begin = monotonicMs()
    const cpu = process.cpuUsage()
    for (let i = 0; i < count; ) {
      const end = Math.min(count, i + FEW_KEYS)
      this.#keys += end - i
      while (i < end) add(i++)
      const spent = monotonicMs() - begin
      if (this.#keysMs + spent > this.#mostMs) this.#checkKeys(spent, cpu)
    }
    this.#keysMs += Math.min(monotonicMs() - begin, millisecondsSince(cpu))
  }

  get #mostMs(): number {
    return KEYS_MS + MS_PER_KEY * this.#keys
  }

  /**
   * Compares the time with its limit. The thread may have waited for a processor, or other threads may have been busy; both at once are
   * rare.
   */
  #checkKeys(spent: number, cpu: NodeJS.CpuUsage): void {
    const milliseconds = this.#keysMs + Math.min(spent, millisecondsSince(cpu))
    if (milliseconds <= this.#mostMs) return
    throw new SerializationError(
      `cannot receive the message: adding ${this.#keys} keys to Maps and Sets took ${Math.round(milliseconds)} ms, because the ` +
        'keys collide; a program that has not shown its key may not cause such work'
    )
  }
}

function millisecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Estimates the cost of the elements that a key such as '1023' makes V8 keep. */
export class IndexCost {
  #highest = -1

  /** @returns the bytes for one more key */
  of(key: string): number {
    const code = key.charCodeAt(0)
    if (!(code >= 48 && code <= 57)) return 0
    const index = Number(key)
    if (!(index > this.#highest)) return 0
    const gap = Math.min(index - this.#highest, LONGEST_GAP)
    this.#highest = index
    return GAP_COST * gap
  }
}

/** Returns the estimated bytes of an object with these keys. */
export function costOfKeys(keys: readonly string[]): number {
  const indexes = new IndexCost()
  let cost = 48 + 16 * keys.length
  for (const key of keys) cost += indexes.of(key)
  return cost
}

/** Returns the estimated bytes of a row of holes. */
export function costOfHoles(holes: number): number {
  return GAP_COST * Math.min(holes, LONGEST_GAP)
}
