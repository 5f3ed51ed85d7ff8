/**
 * Files of POSIX shared memory: the files that shm_open(3) opens. On Linux, in glibc as in musl, shm_open is open(2) of a file in
 * /dev/shm, so CPython's `_posixshmem` and this file give a name the same meaning. Opening the file directly allows what shm_open
 * does not: with O_TMPFILE and linkat(2), a segment gets its size and its first content before it gets its name. So no process
 * ever attaches to a half-made segment, and a process that dies while creating one leaves nothing behind.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { MultiprocessError, ValueError } from '../../errors.ts'
import { MAX_VIEW_BYTES } from '../arena/memory.ts'
import { View } from '../os/mapping.ts'
import { hasOwnDescriptors } from '../os/runtime.ts'
import { checkPlatform, system } from '../os/system.ts'
import { noRoom, segmentError } from './errors.ts'
import { DIRECTORY, pathOf, unlinkIf } from './names.ts'

const ATTACH = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY
const AT_FDCWD = -100
const AT_SYMLINK_FOLLOW = 0x400
const EINTR = 4
const LOCK_EX = 2
const LOCK_UN = 8

/** The maximum length of a segment in bytes. */
export const MAX_SEGMENT_BYTES = MAX_VIEW_BYTES

export interface SegmentOptions {
  /** Keeps the file open, for `lock()`. */
  readonly keepsFile?: boolean
}

export interface CreateOptions extends SegmentOptions {
  /** Writes the first content, before any process can attach. */
  readonly fill?: (buffer: ArrayBuffer) => void
  /** Runs when the segment is complete except for its name: records the segment, however this process ends afterwards. */
  readonly beforeLink?: (name: string, inode: bigint) => void
}

export class Segment {
  readonly name: string
  readonly size: number
  /** Tells the segment from others with the same name, earlier or later; tmpfs does not use an inode twice. */
  readonly inode: bigint
  readonly #view: View

  private constructor(name: string, { ino, size }: BigIntStats, view: View) {
    this.name = name
    this.size = Number(size)
    this.inode = ino
    this.#view = view
  }

  /**
   * Creates a segment.
   * @param names names to try in turn, until one is free
   * @throws MultiprocessError with the system's `code`: EEXIST, ENOSPC, ENOMEM, …
   */
  static create(names: Iterable<string>, size: number, options: CreateOptions = {}): Segment {
    checkHere()
    checkMemory(size)
    const { fill, beforeLink, keepsFile } = options
    const open = () => openFile(DIRECTORY, O_TMPFILE | constants.O_RDWR, 'create', undefined)
    return withFile(open, keepsFile, fd => {
      reserve(fd, size)
      const stats = fstatSync(fd, { bigint: true })
      const view = View.open(fd, stats.ino, size)
      try {
        fill?.(view.buffer)
        return [new Segment(linked(fd, stats, names, beforeLink), stats, view), view]
      } catch (error) {
        view.close()
        throw error
      }
    })
  }

  /**
   * Attaches to a segment.
   * @param inode the inode that the segment must have; any by default
   * @throws MultiprocessError with the system's `code`: ENOENT, EACCES, …
   */
  static attach(name: string, inode?: bigint, { keepsFile }: SegmentOptions = {}): Segment {
    checkHere()
    if (inode !== undefined) {
      const again = Segment.#attachAgain(name, inode, keepsFile)
      if (again !== undefined) return again
    }
    return withFile(
      () => openFile(pathOf(name), ATTACH, 'attach to', name),
      keepsFile,
      fd => {
        const stats = fstatSync(fd, { bigint: true })
        if (!stats.isFile())
          throw new ValueError(
            `cannot attach to shared memory named ${JSON.stringify(name)}: ${pathOf(name)} is not a file; use another name`
          )
        if (inode !== undefined && stats.ino !== inode) throw segmentError('ENOENT', 'attach to', name)
        if (stats.size === 0n) {
          throw new ValueError(
            `cannot attach to shared memory named ${JSON.stringify(name)}: it is empty; its creator has yet to give it a size: try again`
          )
        }
        if (stats.size > MAX_SEGMENT_BYTES) throw tooLarge(stats.size)
        const view = View.open(fd, stats.ino, Number(stats.size))
        return [new Segment(name, stats, view), view]
      }
    )
  }

  /** Attaches without opening the file, if this thread has mapped it already and the segment still has its name. */
  static #attachAgain(name: string, inode: bigint, keepsFile = false): Segment | undefined {
    const stats = statSync(pathOf(name), { bigint: true, throwIfNoEntry: false })
    if (stats?.ino !== inode) return undefined
    const view = View.ofMapped(inode, Number(stats.size))
    if (view !== undefined && (view.fd >= 0 || !keepsFile)) return new Segment(name, stats, view)
    view?.close()
    return undefined
  }

  /** The bytes of the segment; detached once the segment is closed. */
  get buffer(): ArrayBuffer {
    return this.#view.buffer
  }

  /**
   * Runs `write` under an exclusive lock of the file (flock(2)), which the kernel releases if the process dies. Needs
   * `keepsFile`.
   */
  lock<R>(write: () => R): R {
    const { flock, errno } = system()
    const { fd } = this.#view
    while (flock(fd, LOCK_EX) < 0) {
      const error = errno()
      if (error !== EINTR) throw segmentError(getSystemErrorName(-error), 'lock', this.name)
    }
    try {
      return write()
    } finally {
      flock(fd, LOCK_UN)
    }
  }

  close(): void {
    this.#view.close()
  }

  /** Unlinks the name. @throws MultiprocessError (ENOENT) if it does not exist, or another segment has it now */
  unlink(): void {
    if (!unlinkIf(this.name, this.inode)) throw segmentError('ENOENT', 'unlink', this.name)
  }
}

function checkHere(): void {
  checkPlatform('SharedMemory and ShareableList', 'nothing of them runs here')
  if (hasOwnDescriptors()) {
    throw new MultiprocessError(
      'cannot use SharedMemory or ShareableList: Deno runs this program; run it with Node or Bun',
      {
        code: 'ERR_UNSUPPORTED_PLATFORM'
      }
    )
  }
}

function openFile(path: string, flags: number, doing: string, name: string | undefined): number {
  try {
    return openSync(path, flags, 0o600)
  } catch (error) {
    throw segmentError((error as NodeJS.ErrnoException).code ?? 'EIO', doing, name, error)
  }
}

/** Opens a file, and closes it afterwards, unless the view that `use` created keeps it. */
function withFile(open: () => number, keepsFile: boolean | undefined, use: (fd: number) => [Segment, View]): Segment {
  const fd = open()
  let isKept = false
  try {
    const [segment, view] = use(fd)
    isKept = keepsFile === true && view.keepFile(fd)
    return segment
  } finally {
    if (!isKept) closeSync(fd)
  }
}

/** Reserves the memory now: a page that is missing later would end the process with SIGBUS. */
function reserve(fd: number, size: number): void {
  const { fallocate, errno } = system()
  while (fallocate(fd, 0, 0, size) < 0) {
    const error = errno()
    if (error !== EINTR) throw noRoom(size, getSystemErrorName(-error))
  }
}

/** Checks that there is enough memory: otherwise the kernel would end processes, maybe this one, before fallocate(2) failed. */
function checkMemory(size: number): void {
  if (size > MAX_SEGMENT_BYTES) throw tooLarge(size)
  const lines = readFileSync('/proc/meminfo', 'latin1')
  const bytes = (name: string) => Number(lines.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1024
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  const available = Math.min(bytes('MemAvailable') + bytes('SwapFree'), limit)
  if (size <= available) return
  throw new MultiprocessError(
    `cannot create shared memory of ${size} bytes: only ${available} bytes of memory are available; use a smaller size`,
    { code: 'ENOMEM' }
  )
}

function tooLarge(size: number | bigint): ValueError {
  return new ValueError(
    `cannot view shared memory of ${size} bytes as one ArrayBuffer: the limit here is ${MAX_SEGMENT_BYTES} bytes; use several`
  )
}

/** Links the file to the first of the names that is free. Returns that name. */
function linked(
  fd: number,
  { ino }: BigIntStats,
  names: Iterable<string>,
  beforeLink: CreateOptions['beforeLink']
): string {
  const { linkat, errno } = system()
  let last = ''
  for (const name of names) {
    last = name
    beforeLink?.(name, ino)
    if (linkat(AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, pathOf(name), AT_SYMLINK_FOLLOW) === 0) return name
    const code = getSystemErrorName(-errno())
    if (code !== 'EEXIST') throw segmentError(code, 'create', name)
  }
  throw segmentError('EEXIST', 'create', last)
}
