import { UsageError } from './usage-error.ts'

/** Returns a parser of whole numbers. */
export function whole(option: string, least: number, or = ''): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
    throw new UsageError(`${option} takes a whole number, ${least} or more${or}; it was given ${JSON.stringify(text)}`)
  }
}

/** Parses `all`, or a whole number of at least 1. */
export function readLimit(text: string): number {
  return text === 'all' ? Number.POSITIVE_INFINITY : whole('--limit', 1, ' or "all"')(text)
}

const UNIT_MS: Readonly<Record<string, number>> = { '': 1000, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }

/**
 * Parses a rate such as `5/s`, `30/m` or `2`, which is per second.
 * @returns the time between two requests, in milliseconds
 */
export function readRate(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(?:\/(s|m|min|h))?$/.exec(text) ?? []
  const value = Number(number)
  if (!(value > 0)) {
    throw new UsageError(`--rate takes a number of requests, such as 5/s or 30/m; it was given ${JSON.stringify(text)}`)
  }
  return Math.ceil(UNIT_MS[unit] / value)
}

/** Returns a parser of seconds, which returns milliseconds. */
export const readSeconds =
  (option: string) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+(\.\d+)?$/.test(text) && value > 0) return Math.ceil(value * 1000)
    throw new UsageError(`${option} takes a number of seconds above 0; it was given ${JSON.stringify(text)}`)
  }

/** Parses a header such as `accept-language: de`. */
export function readHeader(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined) {
    throw new UsageError(`--header takes a header such as 'accept-language: de'; it was given ${JSON.stringify(text)}`)
  }
  return { ...before, [name]: value }
}

/** Parses a field such as `price=.price` or `image=img@src`. */
export function readField(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, selector] = /^([\w-]+)=(.+)$/.exec(text) ?? []
  if (name === undefined) {
    throw new UsageError(
      `--get takes a field such as price=.price or image=img@src; it was given ${JSON.stringify(text)}`
    )
  }
  return { ...before, [name]: selector }
}

/** Returns a parser that accepts one of several words. */
export function oneOf<T extends string>(option: string, words: readonly T[]): (text: string) => T {
  return text => {
    const word = words.find(candidate => candidate === text)
    if (word !== undefined) return word
    const list = words.join(', ').replace(/, (?=[^,]+$)/, ' or ')
    throw new UsageError(`${option} takes ${list}; it was given ${JSON.stringify(text)}`)
  }
}

/** Adds to the values that the option already has. */
export function collect(text: string, before: readonly string[]): string[] {
  return [...before, text]
}
