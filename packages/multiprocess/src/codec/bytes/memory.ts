/** A range of memory with the three objects that writing needs. */
export class ByteMemory {
  readonly source: Uint8Array
  readonly u8: Uint8Array
  readonly view: DataView
  readonly buffer: Buffer

  constructor(source: Uint8Array) {
    this.source = source
    // Always a plain Uint8Array, so that the stores into it meet only one type.
    this.u8 = new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength)
    this.buffer = Buffer.from(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength)
  }
}

export const NO_MEMORY = new ByteMemory(new Uint8Array(0))
