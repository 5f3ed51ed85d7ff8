/**
 * Bytes of a file, mapped for as long as somebody can reach them. Nothing here can make a program touch memory that is not
 * there:
 *
 *  - `unmap()` first detaches the ArrayBuffer, so that every view of it has the length 0, and only then unmaps.
 *  - When the program has itself transferred the buffer, another one has the memory now, which nobody can find. Then zeros
 *    are mapped in its place instead: the shared pages are given back, a range of addresses is not.
 *  - When the program has dropped the buffer and all its views, collecting them gives the shared pages back in that same way,
 *    since it cannot be told whether the buffer had been transferred.
 */
import { system, systemError } from './system.ts'

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_PRIVATE = 2
const MAP_FIXED = 0x10
const MAP_ANONYMOUS = 0x20
const MAP_NORESERVE = 0x4000
const MAP_FAILED = 0xffffffffffffffffn

interface Range {
  readonly address: bigint
  readonly length: number
}

const dropped = new FinalizationRegistry<Range>(retire)

export class Mapping {
  readonly buffer: ArrayBuffer
  readonly #range: Range
  #isMapped = true

  /** The first `length` bytes of the file. @throws MultiprocessError as mmap(2) fails */
  constructor(fd: number, length: number) {
    const { mmap, view } = system()
    const address = mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0)
    if (address === MAP_FAILED || address === -1n) throw systemError('mmap')
    this.#range = { address, length }
    this.buffer = view(address, length)
    dropped.register(this.buffer, this.#range, this)
  }

  unmap(): void {
    if (!this.#isMapped) return
    this.#isMapped = false
    dropped.unregister(this)
    const isOurs = this.buffer.byteLength > 0
    if (isOurs) detach(this.buffer)
    if (isOurs && this.buffer.byteLength === 0) system().munmap(this.#range.address, this.#range.length)
    else retire(this.#range)
  }
}

function retire({ address, length }: Range): void {
  system().mmap(address, length, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0)
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
