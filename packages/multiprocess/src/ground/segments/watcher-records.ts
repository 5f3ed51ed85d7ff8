/**
 * The records by which members of a family tell the watcher of their named segments, and the descriptors that the watcher
 * inherits.
 */

export const RECORDS_FD = 3
export const LOCK_FD = 4

export function formatRecord(sign: '+' | '-', name: string, inode: bigint): Buffer {
  return Buffer.from(`${sign}${inode} ${name}\0`)
}

/** The names of the existing segments, by inode, according to the records taken so far. */
export class SegmentNames {
  readonly names = new Map<bigint, string>()
  #rest = ''

  /** Takes the next bytes of the pipe. They may end within a record. */
  take(bytes: Buffer): void {
    // Byte by byte, because the end may also divide a character.
    const records = (this.#rest + bytes.toString('latin1')).split('\0')
    this.#rest = records.pop() as string
    for (const record of records) {
      const space = record.indexOf(' ')
      const inode = BigInt(record.slice(1, space))
      if (record[0] === '+') this.names.set(inode, Buffer.from(record.slice(space + 1), 'latin1').toString())
      else this.names.delete(inode)
    }
  }
}
