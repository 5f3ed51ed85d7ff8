import { checkBoolean, checkInteger, checkOptions, optionNames } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { brand } from '../ground/brand.ts'
import { inspectAs } from '../ground/inspect.ts'
import { Segment } from '../ground/segments/segment.ts' // lazy
import { forgetSegment } from '../ground/segments/watcher.ts' // lazy
import { checkName, createSegment } from './named-segment.ts' // lazy

/** The options of a SharedMemory. */
export interface SharedMemoryOptions {
  /** The name, without a leading slash, as in Python. Default, with `create`: a new name. */
  name?: string
  /** `true` creates shared memory, whose name must be new; `false` attaches to shared memory that exists. Default: false. */
  create?: boolean
  /** The size in bytes, 1 to 4,294,967,295. Required with `create`; otherwise the size is that of the existing memory. */
  size?: number
  /**
   * `true` unlinks new shared memory when the program that created it, and all its processes, have ended, however they end. Default:
   * true. Memory that this process attached to is never unlinked that way. (Python has this option since 3.13.)
   */
  track?: boolean
}

/** What is sent for an open SharedMemory. */
export interface SegmentHandle {
  /** The name by which other processes attach. */
  readonly name: string
  readonly inode: bigint
}

let segmentOf: (shm: SharedMemory) => Segment

/**
 * Named POSIX shared memory. Python's `multiprocessing.shared_memory.SharedMemory` opens it, and this class opens Python's.
 *
 * All processes that attach by its name share its bytes. It is unlinked by `unlink()`, or when the program that created it has ended with
 * all its processes, even if they are all SIGKILLed; attaching never destroys it. Only the user who created it may attach (mode 0600).
 *
 * If it is sent to another process, in arguments, results or messages, it attaches there by its name.
 * @example
 * import { SharedMemory } from 'multiprocess'
 *
 * using memory = new SharedMemory({ create: true, size: 1024 })
 * memory.buf[0] = 1
 * using same = new SharedMemory({ name: memory.name })
 * console.log(same.buf[0]) // 1
 * memory.unlink()
 */
export class SharedMemory implements Disposable {
  /** The name by which other processes attach, without a leading slash. */
  readonly name: string
  /** The size in bytes: the requested one, or that of the file after attaching. */
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
   * @throws MultiprocessError with the system's `code`: `ENOENT` (no memory of that name), `EEXIST` (the name is taken), `ENOSPC` (no
   *   room in /dev/shm), `ENOMEM` (not enough memory), `EACCES`, …; `ERR_UNSUPPORTED_PLATFORM`
   */
  constructor(options: SharedMemoryOptions = {}) {
    this.#segment = options instanceof OpenSegment ? options.segment : open(options)
    this.name = this.#segment.name
    this.size = this.#segment.size
    this.#buf = new Uint8Array(this.#segment.buffer)
    brand(this, 'SharedMemory')
  }

  /**
   * The bytes, in an ArrayBuffer of their own. After `close()`, views that were taken before have the length 0.
   * @throws ValueError after `close()`
   */
  get buf(): Uint8Array {
    if (this.#isClosed) throw new ValueError(`the shared memory ${JSON.stringify(this.name)} is closed`)
    return this.#buf
  }

  /** Takes the bytes out of this object and every view of them. The segment stays. A second call does nothing. */
  close(): void {
    this.#isClosed = true
    this.#segment.close()
  }

  /**
   * Removes the name: no process can attach from now on, and the memory is freed when all processes have closed it. May be called
   * after `close()`.
   * @throws MultiprocessError with the code `ENOENT` if the name is gone, or belongs to another segment now
   */
  unlink(): void {
    this.#segment.unlink()
    forgetSegment(this.name, this.#segment.inode)
  }

  /** Calls `close()`. */
  [Symbol.dispose](): void {
    this.close()
  }
}

/** Takes the place of options: a segment that is already open. */
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
