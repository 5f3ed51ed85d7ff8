/** The program of the watcher process that `watcher.ts` describes. */
import { constants, openSync, write } from 'node:fs'
import { Socket } from 'node:net'
import { system } from '../os/system.ts'
import { unlinkIf } from './names.ts'
import { formatRecord, LOCK_FD, RECORDS_FD, SegmentNames } from './watcher-records.ts'

const LOCK_EX = 2
/**
 * No file has this inode. After the family's end, the watcher writes this record to itself, behind all records of the family.
 */
const END = 0n

// A service manager that stops the family sends these signals to all its processes; the watcher still waits for the family's end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {})

// With this descriptor, the pipe does not end when the members close theirs.
const self = openSync(`/proc/self/fd/${RECORDS_FD}`, constants.O_RDWR)
const segments = new SegmentNames()
new Socket({ fd: RECORDS_FD, readable: true, writable: false }).on('data', (bytes: Buffer) => {
  segments.take(bytes)
  if (segments.names.has(END)) end()
})

while ((await system().flockAsync(LOCK_FD, LOCK_EX)) < 0);
write(self, formatRecord('+', 'end', END), () => {})

function end(): void {
  segments.names.delete(END)
  for (const [inode, name] of segments.names) {
    try {
      unlinkIf(name, inode)
    } catch {
      // The other segments still have to be unlinked.
    }
  }
  process.exit()
}
