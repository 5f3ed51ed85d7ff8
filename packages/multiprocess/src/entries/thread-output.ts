/** What a thread prints is written by the thread itself, before its task goes on. */
import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'

/** A full pipe is tried again so often, in milliseconds. */
const RETRY_MS = 1

/**
 * Node hands what a thread prints to the main thread's event loop, and what has not arrived there when the program ends is lost. Other
 * runtimes write it themselves.
 */
export function writeAtOnce(): void {
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return
  redirect(process.stdout, 1)
  redirect(process.stderr, 2)
}

interface Chunk {
  readonly chunk: Uint8Array | string
  readonly encoding: BufferEncoding
}

type Done = (error?: Error | null) => void

function redirect(stream: Writable, fd: number): void {
  stream._write = (chunk: Uint8Array | string, encoding: BufferEncoding, done: Done) => {
    writeAll(fd, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
    done()
  }
  stream._writev = (chunks: Chunk[], done: Done) => {
    for (const { chunk, encoding } of chunks)
      writeAll(fd, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
    done()
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      // Nobody reads it any more, or it is closed: nothing to end a task for.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
}
