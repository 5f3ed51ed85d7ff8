/**
 * Makes a child write its output itself, before its task continues. Otherwise the output in a queue of Node would be lost if the child, or
 * the program, ended at once.
 */
import { constants, fstatSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { writeAll } from '../ground/os/output.ts'
import { system } from '../ground/os/system.ts'

const F_GETFL = 3
const F_SETFL = 4

/**
 * Makes a thread write its output itself; Node would pass it to the event loop of the main thread. Other runtimes do this already. Errors
 * are dropped: the output has no reader, or is closed, which is no reason to end a task.
 */
export function writeAtOnceInThread(): void {
  if (process.versions['bun'] !== undefined || process.versions['deno'] !== undefined) return
  writeAtOnce(process.stdout, 1, () => null)
  writeAtOnce(process.stderr, 2, () => null)
}

/**
 * Makes a process block in writing to pipes and sockets, which Node does not do; Node writes to files and terminals at once. The streams
 * are still created at their first use, because that takes time. Errors are those of Node's streams.
 */
export function writeAtOnceInProcess(): void {
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2]
  ] as const) {
    if (!isPiped(fd)) continue
    const property = Object.getOwnPropertyDescriptor(process, name)
    if (property?.get === undefined) continue
    const make = property.get
    let known: Writable | undefined
    const get = (): Writable => {
      const stream: Writable = make.call(process)
      if (stream !== known) writeAtOnce((known = stream), fd, asOfStreams)
      return stream
    }
    Object.defineProperty(process, name, { ...property, get })
    // The console keeps the stream to which it has printed.
    if (mayHavePrinted()) get()
  }
  if (isPiped(2)) process.on('uncaughtExceptionMonitor', blockStderr)
}

/**
 * Makes stderr block before an uncaught error: Node does not print it through its streams, and drops what a full, non-blocking stderr has
 * no room for.
 */
function blockStderr(): void {
  if (process.listenerCount('uncaughtException') > 0) return
  const { fcntl } = system()
  fcntl(2, F_SETFL, fcntl(2, F_GETFL, 0) & ~constants.O_NONBLOCK)
}

/** With bigint, because statting a pipe without it breaks the next import through a symbolic link (nodejs/node issue 51142). */
function isPiped(fd: number): boolean {
  try {
    const found = fstatSync(fd, { bigint: true })
    return found.isFIFO() || found.isSocket()
  } catch {
    return false
  }
}

/** Returns true if the user's modules may have run before the child's own first module. */
function mayHavePrinted(): boolean {
  const options = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  return /-r\b|--(import|require|loader|experimental-loader)\b/.test(options)
}

type ToError = (error: NodeJS.ErrnoException) => Error | null

function asOfStreams(error: NodeJS.ErrnoException): Error {
  const { errno, code, syscall } = error
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall })
}

interface Chunk {
  readonly chunk: Uint8Array | string
  readonly encoding: BufferEncoding
}

type Done = (error?: Error | null) => void

function writeAtOnce(stream: Writable, fd: number, toError: ToError): void {
  const write = (chunks: readonly Chunk[], done: Done) => {
    let failed: Error | null = null
    try {
      for (const { chunk, encoding } of chunks)
        writeAll(fd, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
    } catch (error) {
      failed = toError(error as NodeJS.ErrnoException)
    }
    done(failed)
  }
  stream._write = (chunk: Uint8Array | string, encoding: BufferEncoding, done: Done) =>
    write([{ chunk, encoding }], done)
  stream._writev = write
}
