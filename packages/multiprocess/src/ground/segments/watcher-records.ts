/** What members of a family tell the watcher of their named segments, and where the watcher finds what it is given. */

export const RECORDS_FD = 3
export const LOCK_FD = 4

export function formatRecord(sign: '+' | '-', name: string, inode: bigint): Buffer {
  return Buffer.from(`${sign}${inode} ${name}\0`)
}

/** By inode, the names of the segments that are there, as far as the records go that were taken. */
export class SegmentNames {
  readonly names = new Map<bigint, string>()
  #rest = ''

  /** The next bytes of the pipe, which may end within a record. */
  take(bytes: Buffer): void {
    // By the byte, as a character may be cut as well.
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
