/** The shared bytes of processes: a sparse file of memfd_create(2) that children inherit, with futex(2) for sleeping. */
import { fstatSync } from 'node:fs'
import { MultiprocessError } from '../../errors.ts'
import { ARENA_BYTES, WINDOW_BYTES } from '../arena/layout.ts'
import type { Backing } from '../arena/memory.ts'
import { answering } from '../os/report-signal.ts'
import { system, systemError } from '../os/system.ts'

const MFD_CLOEXEC = 1
const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_PRIVATE = 2
const MAP_ANONYMOUS = 0x20
const MAP_FIXED = 0x10
const MAP_NORESERVE = 0x4000
const FALLOC_FL_KEEP_SIZE = 1
const FALLOC_FL_PUNCH_HOLE = 2
const FUTEX_WAIT = 0
const FUTEX_WAKE = 1
const EINTR = 4
const EFBIG = 27
/** A limit on the length of files may reduce the arena's length, but not below this. */
const LEAST_BYTES = 2 ** 28
const EAGAIN = 11
const ETIMEDOUT = 110

/** Creates a new arena. Returns its file descriptor. */
export function createArenaFile(): number {
  const { memfd_create, ftruncate, close, errno } = system()
  const fd = memfd_create('multiprocess', MFD_CLOEXEC)
  if (fd < 0) throw systemError('memfd_create')
  for (let length = ARENA_BYTES; ; length /= 2) {
    if (ftruncate(fd, length) === 0) return fd
    const error = errno()
    if (error === EFBIG && length > LEAST_BYTES) continue
    close(fd)
    if (error !== EFBIG) throw systemError('ftruncate', error)
    throw new MultiprocessError(
      `cannot create shared memory of ${LEAST_BYTES / 2 ** 20} MiB: no file may be so long (EFBIG); raise the limit, ulimit -f`,
      { code: 'EFBIG' }
    )
  }
}

/**
 * Maps an arena.
 * @param windows by number: addresses of windows that stay mapped in this process, or 0; windows that are mapped here are added
 */
export function mapArenaFile(fd: number, windows?: BigInt64Array): Backing {
  const { mmap, munmap, view, futex, sched_yield, fallocate, errno } = system()
  const timespec = new BigInt64Array(2)
  const mapAnew = (offset: number, length: number): bigint => {
    const address = mmap(null, length, PROT_READ_WRITE, MAP_SHARED | MAP_NORESERVE, fd, offset)
    if (address === 0xffffffffffffffffn || address === -1n) throw systemError('mmap')
    if (windows === undefined || length !== WINDOW_BYTES || offset % WINDOW_BYTES !== 0) return address
    const first = Atomics.compareExchange(windows, offset / WINDOW_BYTES, 0n, address)
    if (first === 0n) return address
    munmap(address, length)
    return first
  }
  return {
    length: Number(fstatSync(fd, { bigint: true }).size),
    map(offset, length) {
      const isWindow = length === WINDOW_BYTES && offset % WINDOW_BYTES === 0
      const known = isWindow && windows !== undefined ? Atomics.load(windows, offset / WINDOW_BYTES) : 0n
      const address = known !== 0n ? known : mapAnew(offset, length)
      return { buffer: view(address, length), start: 0, address: Number(address) }
    },
    unmap(address, length) {
      if (munmap(BigInt(address), length) < 0) throw systemError('munmap')
    },
    mapOver(target, offset) {
      const flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED
      const address = mmap(target, target.length, PROT_READ_WRITE, flags, fd, offset)
      if (address === 0xffffffffffffffffn || address === -1n) throw systemError('mmap')
    },
    bury(address, length) {
      const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED
      if (mmap(BigInt(address), length, PROT_READ_WRITE, flags, -1, 0) !== BigInt(address)) throw systemError('mmap')
    },
    bufferAt: (address, length) => view(BigInt(address), length),
    wait(address, expected, timeout) {
      let limit: BigInt64Array | null = null
      if (timeout !== Number.POSITIVE_INFINITY) {
        limit = timespec
        timespec[0] = BigInt(Math.floor(timeout / 1000))
        timespec[1] = BigInt(Math.floor((timeout % 1000) * 1e6))
      }
      const result = answering(() => {
        if (futex(address, FUTEX_WAIT, expected >>> 0, limit) === 0) return 'woken'
        const error = errno()
        if (error === EAGAIN) return 'changed'
        if (error === ETIMEDOUT) return 'timed-out'
        if (error === EINTR) return 'interrupted'
        throw systemError('futex', error)
      })
      return result === 'interrupted' ? 'woken' : result
    },
    wake(address, count) {
      return futex(address, FUTEX_WAKE, Math.min(count, 0x7fffffff), null)
    },
    yield: sched_yield,
    discard(offset, length) {
      if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) < 0) throw systemError('fallocate')
    }
  }
}
