/**
 * Views of mapped files. A file is mapped once in a thread, however many views it has: a segment that comes with every message
 * costs no system call but one. It is unmapped with its last view.
 *
 * Nothing here can make a program touch memory that is not there:
 *
 *  - `close()` detaches the view's ArrayBuffer, so that all that look through it have the length 0.
 *  - When the program has itself transferred the buffer, another one has the memory now, which nobody can find. The same may
 *    be so of a buffer that was dropped and collected. Then the last view does not unmap but maps zeros in the place of the
 *    file: the shared pages are given back, a range of addresses is not.
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
  /** Kept open for locks on it; -1: it is not. */
  fd: number
  views: number
  /** Whether some buffer may still have the memory that is not a view's. */
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

  /** A view of the first `length` bytes. @throws MultiprocessError as mmap(2) fails */
  static open(fd: number, inode: bigint, length: number): View {
    const mapping = mappings.get(inode)
    return new View(mapping?.length === length ? mapping : map(fd, inode, length))
  }

  /** One more view of what is mapped; undefined when it is not, with this length. */
  static ofMapped(inode: bigint, length: number): View | undefined {
    const mapping = mappings.get(inode)
    return mapping?.length === length ? new View(mapping) : undefined
  }

  /** -1 unless `keepFile` was called. */
  get fd(): number {
    return this.#mapping.fd
  }

  /** Takes over the open file, until the last view is closed. @returns whether it was not kept already */
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

/** What has the memory afterwards is garbage, and known to nobody. */
function detach(buffer: ArrayBuffer & { transfer?(): ArrayBuffer }): void {
  if (buffer.transfer !== undefined) {
    buffer.transfer()
    return
  }
  // Node 20 has no transfer(), and its postMessage copies memory that is not V8's. A stream of bytes takes it: Streams Standard,
  // ReadableByteStreamControllerEnqueue, step 6.
  new ReadableStream({ type: 'bytes', start: controller => controller.enqueue(new Uint8Array(buffer)) })
}
