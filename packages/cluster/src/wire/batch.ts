/** A batch of items for a worker: the data of one BullMQ job. */
import { decode, encode, VERSION } from 'multiprocess/codec'
import type { Names } from './names.ts'
import type { Packed } from './packed.ts'
import type { Signer } from './signature.ts'

/** How a function gets an item: as its only argument, or as all of its arguments. */
export type Passing = 'one' | 'all'

/** The contents of a batch. */
export interface BatchBody {
  /** The SHA-256 of the function's bytes. */
  readonly hash: string
  /** The function's bytes, if they are few; otherwise, they are on the server under their hash. */
  readonly code: Uint8Array | null
  readonly passing: Passing
  /** The timeout of each item in milliseconds, or Infinity. */
  readonly timeout: number
  readonly killAfter: number
  readonly retries: number
  /** The milliseconds for which the pool's inbox lives without a sign of life. */
  readonly lifetime: number
  /** The expected milliseconds of an item; undefined if not known yet. */
  readonly cost: number | undefined
  /** The items. An empty item was done before the batch was sent again. */
  readonly items: Packed
}

/** The versions that both sides must have in common. */
export interface Versions {
  readonly protocol: number
  readonly codec: number
  readonly node: number
}

/** The data of a job, as JSON. */
export interface BatchData extends Versions {
  /** The body in base64; absent if it is on the server under the job's name. */
  readonly body?: string
  readonly signature: string
}

/** Raised when the meaning of what is on the server changes. */
const PROTOCOL = 1
/** A longer body has its own key, because several scripts read and copy the JSON of a job. */
const MOST_INLINE = 65_536

export const VERSIONS: Versions = {
  protocol: PROTOCOL,
  codec: VERSION,
  node: Number(process.versions.node.split('.')[0])
}

/** The parts of a job's id: the submitter, the number of the batch, and how often it was sent before. */
export interface JobId {
  readonly submitter: string
  readonly batch: number
  readonly attempt: number
}

export const jobIdOf = ({ submitter, batch, attempt }: JobId): string => `${submitter}.${batch}.${attempt}`

export function parseJobId(id: string): JobId | undefined {
  const match = /^([0-9a-f]{16})\.(\d{1,15})\.(\d{1,9})$/.exec(id)
  return match === null ? undefined : { submitter: match[1], batch: Number(match[2]), attempt: Number(match[3]) }
}

function placeOf(names: Names, job: string, { protocol, codec, node }: Versions): (string | number)[] {
  return ['batch', names.queue, job, protocol, codec, node]
}

/** A body that is ready to be sent. */
export interface SealedBatch {
  readonly data: BatchData
  /** What must be on the server under the job's name first; undefined if the data contains it. */
  readonly payload: Uint8Array | undefined
}

export function sealBatch(body: BatchBody, job: string, names: Names, signer: Signer): SealedBatch {
  const bytes = encode(body)
  const signature = signer.sign(placeOf(names, job, VERSIONS), bytes)
  if (bytes.length > MOST_INLINE) return { data: { ...VERSIONS, signature }, payload: bytes }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return { data: { ...VERSIONS, body: text, signature }, payload: undefined }
}

/** Returns true if a program with the key made this data for this job. */
export function isGenuine(data: BatchData, bytes: Uint8Array, job: string, names: Names, signer: Signer): boolean {
  const { protocol, codec, node, signature } = data
  if (![protocol, codec, node].every(Number.isInteger)) return false
  return signer.verify(placeOf(names, job, { protocol, codec, node }), bytes, signature)
}

/** Returns the body of a batch whose signature and versions were checked. */
export async function openBatch(bytes: Uint8Array): Promise<BatchBody> {
  return (await decode(bytes)) as BatchBody
}

/** Returns the reason why a batch of these versions cannot run here; undefined if it can. */
export function mismatchOf({ protocol, codec, node }: Versions): string | undefined {
  const advice = 'run the same version on pools and workers'
  if (protocol !== VERSIONS.protocol || codec !== VERSIONS.codec) {
    const own = `${VERSIONS.protocol}.${VERSIONS.codec}`
    return `the pool speaks version ${protocol}.${codec} of multiprocess-cluster's format, the worker version ${own}; ${advice}`
  }
  if (node === VERSIONS.node) return undefined
  return `the pool runs Node ${node}, the worker Node ${VERSIONS.node}; ${advice}`
}
