/** What the programs' workers do: the same functions for every library. */
import { closeSync, openSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export function square(n: number): number {
  return n * n
}

/** Is busy with nothing for so many milliseconds. */
export async function pause(ms: number): Promise<number> {
  await sleep(ms)
  return ms
}

export interface Person {
  readonly id: number
  readonly name: string
  readonly isActive: boolean
}

export function rename(person: Person): Person {
  return { ...person, name: person.name.toUpperCase() }
}

/** A number that only one of many inputs has: the search ends there. */
export function isWanted(n: number): number | null {
  return n === WANTED ? n : null
}

export const WANTED = 3000

export interface Range {
  readonly file: string
  readonly start: number
  readonly end: number
}

/** The sum of `amount` over the lines of NDJSON that begin in a range of the file. */
export function sumRange({ file, start, end }: Range): number {
  const fd = openSync(file, 'r')
  try {
    // The line that is under way where the range ends belongs to it, too.
    const bytes = Buffer.alloc(end - start + 1024)
    const length = readSync(fd, bytes, 0, bytes.length, start)
    let at = start === 0 ? 0 : bytes.indexOf(10) + 1
    let sum = 0
    while (at < length && start + at <= end) {
      const next = bytes.indexOf(10, at)
      if (next < 0 || next >= length) break
      sum += (JSON.parse(bytes.toString('utf8', at, next)) as { amount: number }).amount
      at = next + 1
    }
    return sum
  } finally {
    closeSync(fd)
  }
}

export function rangesOf(file: string, bytes: number, count: number): Range[] {
  const size = Math.ceil(bytes / count)
  return Array.from({ length: count }, (_, i) => ({
    file,
    start: i * size,
    end: Math.min(bytes, (i + 1) * size)
  }))
}

export function people(count: number): Person[] {
  return Array.from({ length: count }, (_, id) => ({ id, name: `person ${id}`, isActive: id % 2 === 0 }))
}

/** @throws Error when a program's result is wrong */
export function check(isRight: boolean, what: string): void {
  if (!isRight) throw new Error(`${what} came out wrong`)
}

/** About a millisecond of arithmetic, once V8 has compiled it. */
export function compute(seed: number): number {
  let x = seed + 1
  for (let i = 0; i < 500_000; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x >>> 0
}
