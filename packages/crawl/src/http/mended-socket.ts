import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { MAX_HEADER_BYTES } from './response.ts'

const LINE_FEED = 10

/** A connection that repairs the head of its answer to the form that HTTP requires; the body passes unchanged. */
export class MendedSocket extends Duplex {
  readonly #socket: Socket
  #head: Buffer = Buffer.alloc(0)
  #isInBody = false

  constructor(socket: Socket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('data', (data: Buffer) => this.#take(data))
    socket.on('end', () => {
      if (this.#head.length > 0) this.push(this.#head)
      this.push(null)
    })
    socket.on('error', error => this.destroy(error))
    socket.on('close', () => this.destroy())
    socket.on('timeout', () => this.emit('timeout'))
  }

  /** For `node:http`, which calls it on sockets. */
  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms)
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    this.#socket.ref()
    return this
  }

  unref(): this {
    this.#socket.unref()
    return this
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #take(data: Buffer): void {
    if (this.#isInBody) {
      if (!this.push(data)) this.#socket.pause()
      return
    }
    this.#head = Buffer.concat([this.#head, data])
    // Heads of 100 to 199 come before the final one.
    for (let end = 0; !this.#isInBody && (end = headEnd(this.#head)) > 0; ) {
      const mended = mendHead(this.#head.toString('latin1', 0, end))
      this.#head = this.#head.subarray(end)
      if (mended === undefined) continue
      this.#isInBody = true
      this.push(Buffer.from(mended, 'latin1'))
    }
    if (this.#isInBody) {
      const rest = this.#head
      this.#head = Buffer.alloc(0)
      if (rest.length > 0) this.push(rest)
    } else if (this.#head.length > MAX_HEADER_BYTES) {
      this.destroy(Object.assign(new Error('the head is too long'), { code: 'HPE_HEADER_OVERFLOW' }))
    }
  }
}

/** Returns where the body begins, after an empty line; 0 if the head is incomplete. */
function headEnd(data: Buffer): number {
  for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, at + 1)) {
    if (data[at + 1] === LINE_FEED) return at + 2
    if (data[at + 1] === 13 && data[at + 2] === LINE_FEED) return at + 3
  }
  return 0
}

/**
 * Converts the head of an answer to the form that every parser accepts: line ends of two characters, one header on a line, no space before
 * a colon, no control characters, one length.
 * @returns the head; undefined for one that another head follows (100 to 199). What is not a head of HTTP is returned unchanged
 */
export function mendHead(head: string): string | undefined {
  const [first, ...lines] = head.split(/\r?\n/)
  const status = /^HTTP\/\d+(?:\.(\d))?[ \t]+(\d{3})(?!\d)[ \t]*(.*)$/i.exec(first)
  if (!status) return head
  const [, minor = '1', code, reason] = status
  if (code[0] === '1' && code !== '101') return undefined
  const headers = headersIn(lines)
  const isChunked = headers.some(([name, value]) => isNamed(name, 'transfer-encoding') && /chunked\s*$/i.test(value))
  const length = isChunked ? undefined : oneLength(headers)
  const kept = headers.filter(([name, value]) => {
    if (isNamed(name, 'content-length')) return false
    return !isNamed(name, 'transfer-encoding') || (isChunked && /chunked/i.test(value))
  })
  if (length !== undefined) kept.push(['Content-Length', length])
  const text = kept.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `HTTP/1.${minor === '0' ? 0 : 1} ${code} ${withoutControls(reason)}\r\n${text}\r\n`
}

function headersIn(lines: readonly string[]): [name: string, value: string][] {
  const headers: [string, string][] = []
  for (const line of lines) {
    const last = headers.at(-1)
    if (/^[ \t]/.test(line) && last) last[1] = `${last[1]} ${withoutControls(line).trim()}`
    const header = /^([!#$%&'*+.^_`|~\w-]+)[ \t]*:(.*)$/s.exec(line)
    if (header) headers.push([header[1], withoutControls(header[2]).trim()])
  }
  return headers
}

/** Returns the length of the body, if the headers agree on one. */
function oneLength(headers: readonly [string, string][]): string | undefined {
  const lengths = headers
    .filter(([name]) => isNamed(name, 'content-length'))
    .flatMap(([, value]) => value.split(',').map(part => part.trim()))
  return lengths.every(length => /^\d+$/.test(length) && length === lengths[0]) ? lengths[0] : undefined
}

function isNamed(name: string, lowerCase: string): boolean {
  return name.toLowerCase() === lowerCase
}

function withoutControls(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, '')
}
