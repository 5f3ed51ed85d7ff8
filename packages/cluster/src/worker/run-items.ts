/** What the processes of a worker program do: run a function on items, which arrive as bytes, and make bytes of the results. */
import type { Target } from 'multiprocess'
import { decode, encode, encodeError } from 'multiprocess/codec'
import { importModule, resolveReference } from 'multiprocess/pooling'
import type { Passing } from '../wire/batch.ts'
import { findModule, nameModule } from '../wire/modules.ts'
import { type Packed, pack, unpack } from '../wire/packed.ts'

type Run = (...args: unknown[]) => unknown

export interface Work {
  /** The SHA-256 of the function's bytes. */
  readonly hash: string
  /** The function's bytes; null if this process may have them already. */
  readonly code: Uint8Array | null
  readonly passing: Passing
  readonly items: Packed
  /** The milliseconds after which no further item begins. */
  readonly budget: number
}

/** The results of the items that have begun, which are the first ones. */
export interface Done {
  /** 1 for each item that has failed. */
  readonly errors: Uint8Array
  readonly values: Packed
  readonly ms: number
}

const MOST_FUNCTIONS = 500
const functions = new Map<string, Run>()
const AS_PROGRAM = { audience: 'program', nameModule, findModule } as const
const RESULT = { ...AS_PROGRAM, path: 'result' } as const

/** Runs items one after another. Resolves to null if the process needs the function's bytes. */
export async function runItems({ hash, code, passing, items, budget }: Work): Promise<Done | null> {
  const begun = performance.now()
  const parts = unpack(items)
  let run = functions.get(hash)
  if (run === undefined) {
    if (code === null) return null
    try {
      run = await functionOf(code)
    } catch (error) {
      const bytes = encodeError(error, AS_PROGRAM)
      return { errors: new Uint8Array(parts.length).fill(1), values: pack(parts.map(() => bytes)), ms: 0 }
    }
    keep(hash, run)
  }
  const errors: number[] = []
  const values: Uint8Array[] = []
  for (const part of parts) {
    try {
      values.push(await resultOf(run, passing, part))
      errors.push(0)
    } catch (error) {
      values.push(encodeError(error, AS_PROGRAM))
      errors.push(1)
    }
    if (performance.now() - begun > budget) break
  }
  return { errors: Uint8Array.from(errors), values: pack(values), ms: performance.now() - begun }
}

async function resultOf(run: Run, passing: Passing, item: Uint8Array): Promise<Uint8Array> {
  const value = await decode(item, AS_PROGRAM)
  if (passing === 'all' && !Array.isArray(value)) {
    throw new TypeError(
      `an item of starmap must be an array of arguments, not ${value === null ? 'null' : typeof value}`
    )
  }
  const result = await (passing === 'all' ? run(...(value as unknown[])) : run(value))
  return encode(result, RESULT)
}

async function functionOf(code: Uint8Array): Promise<Run> {
  const target = (await decode(code, AS_PROGRAM)) as Target
  if (typeof target === 'function') return target as Run
  const reference = { module: findModule(String(target.module)), export: target.export ?? 'default' }
  await importModule(reference.module)
  return resolveReference(reference) as Run
}

/** Keeps a function, and forgets the one that was not used for the longest time. */
function keep(hash: string, run: Run): void {
  if (functions.size >= MOST_FUNCTIONS) functions.delete(functions.keys().next().value as string)
  functions.set(hash, run)
}
