/**
 * Writing all of something to a descriptor before going on. A full pipe or socket that is set not to block, as Node sets those of stdout and
 * stderr for everyone who shares them, refuses with EAGAIN: the thread sleeps then, ever longer, until the reader has made room.
 */
import { writeSync } from 'node:fs'

/** The first and the longest sleep, in milliseconds. */
const FIRST_SLEEP_MS = 1
const LONGEST_SLEEP_MS = 16

/** @throws what write(2) refuses with, but EAGAIN */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let at = 0
  let pause = FIRST_SLEEP_MS
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at)
      pause = FIRST_SLEEP_MS
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
      pause = Math.min(2 * pause, LONGEST_SLEEP_MS)
    }
  }
}

/** A line to stderr, in one piece where there is room for it. A stderr that is closed, or that nobody reads, is nothing to fail for. */
export function writeError(text: string): void {
  try {
    writeAll(2, Buffer.from(text))
  } catch {}
}
