import { checkBoolean, checkInteger, checkOptions, optionNames } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { brand } from '../ground/brand.ts'
import { inspectAs } from '../ground/inspect.ts'
import { Segment } from '../ground/segments/segment.ts' // lazy
import { forgetSegment } from '../ground/segments/watcher.ts' // lazy
import { checkName, createSegment } from './named-segment.ts' // lazy

export interface SharedMemoryOptions {
  /** As in Python without a leading slash. Left out, with `create`: one that nobody has. */
  name?: string
  /** true: a new one is created; nobody may have the name. Left out: attaches to the one that is there. */
  create?: boolean
  /** Bytes, 1 to 4,294,967,295; required with `create`, and otherwise the size is that of what is there. */
  size?: number
  /**
   * Whether a new one is unlinked when the family of processes that created it has ended, however it ends. Left out: true.
   * One that was attached to is never unlinked so. (Python has it since 3.13.)
   */
  track?: boolean
}

/** What crosses in the place of an open one. */
export interface SegmentHandle {
  readonly name: string
  readonly inode: bigint
}

let segmentOf: (shm: SharedMemory) => Segment

/**
 * Named POSIX shared memory: what Python's `multiprocessing.shared_memory.SharedMemory` opens, in either direction.
 *
 * Its bytes belong to all who attach by its name. It is unlinked by `unlink()`, or when the family that created it has ended,
 * even by SIGKILL of all of it; attaching never destroys. Only the user who created it may attach (mode 0600).
 *
 * Sent to another process, in arguments, results or messages, it attaches there by name.
 */
export class SharedMemory implements Disposable {
  readonly name: string
  /** Bytes, as asked for; the size of the file for one that was attached to. */
  readonly size: number
  readonly #segment: Segment
  readonly #buf: Uint8Array
  #isClosed = false

  static {
    segmentOf = shm => shm.#segment
    inspectAs(SharedMemory, (shm, show) => `name: ${show(shm.name)}, ${shm.#isClosed ? 'closed' : `size: ${shm.size}`}`)
  }

  /**
   * @throws ValueError for a wrong name, size or combination of options
   * @throws MultiprocessError with the system's `code`: `ENOENT` (nothing to attach to), `EEXIST` (the name is taken), `ENOSPC`
   *   (no room in /dev/shm), `ENOMEM` (more than there is), `EACCES`, …; `ERR_UNSUPPORTED_PLATFORM`
   */
  constructor(options: SharedMemoryOptions = {}) {
    this.#segment = options instanceof OpenSegment ? options.segment : open(options)
    this.name = this.#segment.name
    this.size = this.#segment.size
    this.#buf = new Uint8Array(this.#segment.buffer)
    brand(this, 'SharedMemory')
  }

  /**
   * The bytes: of an ArrayBuffer that has these and no others. After `close()` those taken before have the length 0.
   * @throws ValueError after `close()`
   */
  get buf(): Uint8Array {
    if (this.#isClosed) throw new ValueError(`the shared memory ${JSON.stringify(this.name)} is closed`)
    return this.#buf
  }

  /** Takes the bytes out of this object, and out of every view of them. The segment stays. Nothing happens a second time. */
  close(): void {
    this.#isClosed = true
    this.#segment.close()
  }

  /**
   * Takes the name away: nobody can attach any more, and the memory is freed when all have closed. May be called after `close()`.
   * @throws MultiprocessError with the code `ENOENT` when the name is gone, or was given to another segment since
   */
  unlink(): void {
    this.#segment.unlink()
    forgetSegment(this.name, this.#segment.inode)
  }

  /** `close()` */
  [Symbol.dispose](): void {
    this.close()
  }
}

/** A segment that is open already, in the place of options. */
class OpenSegment {
  readonly segment: Segment

  constructor(segment: Segment) {
    this.segment = segment
  }
}

export function sharedMemoryOf(segment: Segment): SharedMemory {
  return new SharedMemory(new OpenSegment(segment) as SharedMemoryOptions)
}

export function handleOf(shm: SharedMemory): SegmentHandle {
  const { name, inode } = segmentOf(shm)
  return { name, inode }
}

export function attachTo({ name, inode }: SegmentHandle): SharedMemory {
  return sharedMemoryOf(Segment.attach(name, inode))
}

const MEMORY_OPTIONS = optionNames('{ name } or { create: true, size }', 'create', 'name', 'size', 'track')

function open(options: SharedMemoryOptions): Segment {
  checkOptions(options, MEMORY_OPTIONS)
  const { name, create = false, size, track = true } = options
  checkBoolean('create', create)
  checkBoolean('track', track)
  if (size !== undefined) checkInteger('size', size, 0)
  if (create) {
    if (size === undefined || size === 0) {
      throw new ValueError('size must be at least 1 byte to create shared memory; it cannot grow later')
    }
    return createSegment({ name, size, isTracked: track })
  }
  if (name === undefined) {
    throw new ValueError('give the name of shared memory to attach to, or create: true and a size')
  }
  checkName(name)
  return Segment.attach(name)
}
