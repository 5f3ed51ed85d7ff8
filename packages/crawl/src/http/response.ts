import type { Readable } from 'node:stream'

/** The maximum length of headers: some sites send dozens of cookies and policies. */
export const MAX_HEADER_BYTES = 256 * 1024

/** An answer whose body has not been read yet. */
export interface Response {
  status: number
  reason: string
  headers: [name: string, value: string][]
  body: Readable
}
