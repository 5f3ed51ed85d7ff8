/** The program of the process that `segment-watcher.ts` describes. */
import { constants, openSync, write } from 'node:fs'
import { Socket } from 'node:net'
import { system } from '../os/system.ts'
import { unlinkIf } from './names.ts'
import { formatRecord, LOCK_FD, RECORDS_FD, SegmentNames } from './watcher-records.ts'

const LOCK_EX = 2
/** No file's: after the family's end the watcher writes it to itself, behind all that the family wrote. */
const END = 0n

// A service manager that stops the family sends these to all; the family's end is waited for all the same.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {})

// With this the pipe does not end when the members close theirs.
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
      // The others are still to be unlinked.
    }
  }
  process.exit()
}
