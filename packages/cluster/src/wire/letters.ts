/** The letters that pools and workers write into each other's inbox. */
import { decode, encode } from 'multiprocess/codec'
import type { Names } from './names.ts'
import type { Packed } from './packed.ts'
import type { Signer } from './signature.ts'

/** Results of a batch. They may come in several letters. */
export interface ResultsLetter {
  readonly type: 'results'
  readonly job: string
  /** The indexes of the items in the batch. */
  readonly indexes: Uint32Array
  /** 1 for each item that has failed. */
  readonly errors: Uint8Array
  /** The values or errors of the items. */
  readonly values: Packed
  /** The milliseconds for which the processes worked on these items. */
  readonly ms: number
  /** True if nothing more follows for this job. */
  readonly isLast: boolean
}

/** A worker asks a pool that it does not know yet which jobs belong to the pool, and are current. */
export interface AskLetter {
  readonly type: 'ask'
  readonly from: string
  readonly nonce: string
}

/** The answer to AskLetter: the number of the last batch, and the jobs that are not done yet. */
export interface AnswerLetter {
  readonly type: 'answer'
  readonly nonce: string
  readonly last: number
  readonly jobs: readonly string[]
}

/** A pool no longer wants these items. With `isBegunToo`, items that have begun end, too. */
export interface StopLetter {
  readonly type: 'stop'
  readonly from: string
  /** Each as `BATCH:INDEX`. */
  readonly items: readonly string[]
  readonly isBegunToo: boolean
}

/** The worker program that had the job was lost before the job was done. */
export interface LostLetter {
  readonly type: 'lost'
  readonly job: string
}

/** The function of the job is not on the server. */
export interface NeedLetter {
  readonly type: 'need'
  readonly job: string
  readonly hash: string
}

/** The worker does not run the job. */
export interface RefusedLetter {
  readonly type: 'refused'
  readonly job: string
  readonly error: Uint8Array
}

export type Letter = ResultsLetter | AskLetter | AnswerLetter | StopLetter | LostLetter | NeedLetter | RefusedLetter

const placeOf = (names: Names, owner: string): string[] => ['letter', names.queue, owner]

/** Returns a letter as the fields of a stream's entry. */
export function sealLetter(letter: Letter, owner: string, names: Names, signer: Signer): (string | Buffer)[] {
  const bytes = encode(letter)
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return ['body', body, 'signature', signer.sign(placeOf(names, owner), body)]
}

/** Returns the letter in the fields of an entry; undefined if no program with the key wrote it to this owner. */
export async function openLetter(
  fields: readonly Buffer[],
  owner: string,
  names: Names,
  signer: Signer
): Promise<Letter | undefined> {
  const [, body, , signature] = fields
  if (body === undefined || signature === undefined) return undefined
  if (!signer.verify(placeOf(names, owner), body, signature.toString())) return undefined
  return (await decode(body)) as Letter
}
