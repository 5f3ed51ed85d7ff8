/** What pools and workers write into each other's inbox. */
import { decode, encode } from 'multiprocess/codec'
import type { Names } from './names.ts'
import type { Packed } from './packed.ts'
import type { Signer } from './signature.ts'

/** Results of a batch, which may come in several parts. */
export interface ResultsLetter {
  readonly type: 'results'
  readonly job: string
  /** The items' places in the batch. */
  readonly indexes: Uint32Array
  /** 1 for each that has failed. */
  readonly errors: Uint8Array
  /** Their values or errors. */
  readonly values: Packed
  /** Milliseconds that the processes worked on these items. */
  readonly ms: number
  /** Nothing more comes of this job. */
  readonly isLast: boolean
}

/** A worker asks a pool that it hears of for the first time whether a job is its own, and current. */
export interface AskLetter {
  readonly type: 'ask'
  readonly from: string
  readonly nonce: string
}

/** The answer: the number of the last batch, and the jobs that have yet to be done. */
export interface AnswerLetter {
  readonly type: 'answer'
  readonly nonce: string
  readonly last: number
  readonly jobs: readonly string[]
}

/** A pool wants these items no more; those that are begun end too if `isBegunToo`. */
export interface StopLetter {
  readonly type: 'stop'
  readonly from: string
  /** `BATCH:INDEX` */
  readonly items: readonly string[]
  readonly isBegunToo: boolean
}

/** The worker program that had the job was lost before it was done. */
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

/** A letter as the fields of a stream's entry. */
export function sealLetter(letter: Letter, owner: string, names: Names, signer: Signer): (string | Buffer)[] {
  const bytes = encode(letter)
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return ['body', body, 'signature', signer.sign(placeOf(names, owner), body)]
}

/** The letter in the fields of an entry; undefined if no program with the key wrote it to this owner. */
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
