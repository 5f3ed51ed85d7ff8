/** Opens segments by the names that users give them. */
import { inspect } from 'node:util'
import { ValueError } from '../errors.ts'
import { type CreateOptions, Segment } from '../ground/segments/segment.ts' // lazy
import { forgetSegment, watchSegment } from '../ground/segments/watcher.ts' // lazy

/** NAME_MAX of limits.h: bytes of a file's name. */
const MAX_NAME_BYTES = 255
const RANDOM_BYTES = 8
const TRIES = 8

export interface NewSegment extends Pick<CreateOptions, 'fill' | 'keepsFile'> {
  readonly name: string | undefined
  readonly size: number
  readonly isTracked: boolean
}

/** @throws ValueError, MultiprocessError with the system's `code` */
export function createSegment({ name, size, isTracked, ...options }: NewSegment): Segment {
  if (name !== undefined) checkName(name)
  if (!isTracked) return Segment.create(namesFor(name), size, options)
  let begun: [name: string, inode: bigint] | undefined
  try {
    return Segment.create(namesFor(name), size, {
      ...options,
      beforeLink: (free, inode) => {
        begun = [free, inode]
        watchSegment(free, inode)
      }
    })
  } catch (error) {
    if (begun !== undefined) forgetSegment(...begun)
    throw error
  }
}

function* namesFor(name: string | undefined): Generator<string> {
  if (name !== undefined) return yield name
  const { randomBytes } = process.getBuiltinModule('node:crypto')
  for (let i = 0; i < TRIES; i++) yield `mps_${randomBytes(RANDOM_BYTES).toString('hex')}`
}

/** @throws ValueError */
export function checkName(name: unknown): asserts name is string {
  const fail = (reason: string): never => {
    throw new ValueError(`${inspect(name)} cannot be the name of shared memory: ${reason}`)
  }
  if (typeof name !== 'string') fail('it must be a string')
  const text = name as string
  if (text === '') fail('it is empty')
  if (text.includes('/'))
    fail('it contains a slash; give the name without the slash that shm_open(3) wants, as in Python')
  if (text.includes('\0')) fail('it contains a NUL')
  if (text === '.' || text === '..') fail('it is a directory')
  if (/\p{Surrogate}/u.test(text)) fail('it is not well-formed Unicode')
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_NAME_BYTES) fail(`it has ${bytes} bytes, and a name has at most ${MAX_NAME_BYTES}`)
}
