/**
 * Views of mapped files. Each thread maps a file once, however many views it has, so a segment that comes with every message
 * costs one system call in all. The thread unmaps the file when its last view is closed.
 *
 * No view can make a program touch memory that is not mapped:
 *
 * - `close()` detaches the view's ArrayBuffer: every typed array over the buffer then has length 0.
 * - If the program has transferred the buffer itself, another buffer that nobody can find owns the memory. The same may be true
 *   after a buffer was dropped and collected. In both cases, closing the last view does not unmap the file but maps zeros in its
 *   place: the shared pages are freed, the range of addresses is not.
 */
import { closeSync } from 'node:fs'
import { system, systemError } from './system.ts'

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_PRIVATE = 2
const MAP_FIXED = 0x10
const MAP_ANONYMOUS = 0x20
const MAP_NORESERVE = 0x4000
const MAP_FAILED = 0xffffffffffffffffn

interface Mapping {
  readonly inode: bigint
  readonly address: bigint
  readonly length: number
  /** The file's descriptor, kept open for locks on the file; -1 if it was not kept. */
  fd: number
  views: number
  /** True if a buffer that belongs to no view may still refer to the memory. */
  isLost: boolean
}

const mappings = new Map<bigint, Mapping>()
const dropped = new FinalizationRegistry<Mapping>(mapping => {
  mapping.isLost = true
  release(mapping)
})

export class View {
  readonly buffer: ArrayBuffer
  readonly #mapping: Mapping
  #isOpen = true

  private constructor(mapping: Mapping) {
    this.#mapping = mapping
    mapping.views++
    this.buffer = system().view(mapping.address, mapping.length)
    dropped.register(this.buffer, mapping, this)
  }

  /**
   * Opens a view of the first `length` bytes of the file.
   * @throws MultiprocessError with the `code` of mmap(2)
   */
  static open(fd: number, inode: bigint, length: number): View {
    const mapping = mappings.get(inode)
    return new View(mapping?.length === length ? mapping : map(fd, inode, length))
  }

  /** Returns another view of a mapped file, or undefined if no file with this inode and length is mapped. */
  static ofMapped(inode: bigint, length: number): View | undefined {
    const mapping = mappings.get(inode)
    return mapping?.length === length ? new View(mapping) : undefined
  }

  /** The descriptor that `keepFile` took over; -1 if it took none. */
  get fd(): number {
    return this.#mapping.fd
  }

  /**
   * Takes over the open file until the last view is closed.
   * @returns false if another descriptor was kept already
   */
  keepFile(fd: number): boolean {
    if (this.#mapping.fd >= 0) return false
    this.#mapping.fd = fd
    return true
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    dropped.unregister(this)
    if (this.buffer.byteLength > 0) detach(this.buffer)
    else this.#mapping.isLost = true
    release(this.#mapping)
  }
}

function map(fd: number, inode: bigint, length: number): Mapping {
  const address = system().mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0)
  if (address === MAP_FAILED || address === -1n) throw systemError('mmap')
  const mapping: Mapping = { inode, address, length, fd: -1, views: 0, isLost: false }
  mappings.set(inode, mapping)
  return mapping
}

function release(mapping: Mapping): void {
  if (--mapping.views > 0) return
  const { inode, address, length, fd } = mapping
  if (mappings.get(inode) === mapping) mappings.delete(inode)
  if (fd >= 0) closeSync(fd)
  const { mmap, munmap } = system()
  if (!mapping.isLost) munmap(address, length)
  else mmap(address, length, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0)
}

/** Detaches the buffer. Its memory then belongs to garbage that no code can reach. */
function detach(buffer: ArrayBuffer & { transfer?(): ArrayBuffer }): void {
  if (buffer.transfer !== undefined) {
    buffer.transfer()
    return
  }
  // Node 20 has no transfer(), and its postMessage copies memory that V8 did not allocate. A stream of bytes takes the buffer
  // over: Streams Standard, ReadableByteStreamControllerEnqueue, step 6.
  new ReadableStream({ type: 'bytes', start: controller => controller.enqueue(new Uint8Array(buffer)) })
}
