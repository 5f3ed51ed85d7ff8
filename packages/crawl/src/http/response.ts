import type { Readable } from 'node:stream'

/** Headers up to this size are taken: some sites send dozens of cookies and policies. */
export const MAX_HEADER_BYTES = 256 * 1024

/** An answer whose body has not been read yet. */
export interface Response {
  status: number
  reason: string
  headers: [name: string, value: string][]
  body: Readable
}
