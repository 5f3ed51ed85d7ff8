/**
 * Calls to a server of another program, through a socket. A process has one connection for each address and key. A message that carries a
 * proxy to a process of this family makes the process connect before the message is read.
 */
import { checkDuration } from '../../checks.ts'
import { markGone, markImported } from '../../codec/references/imports.ts'
import { REMOTE_REQUEST } from '../../codec/values/requests.ts'
import type { Writer } from '../../codec/values/writer.ts'
import { MultiprocessError, SerializationError, TimeoutError, ValueError } from '../../errors.ts'
import { currentFamily, type Family } from '../../ground/family.ts' // lazy
import type { StartMethod } from '../../ground/members/platform.ts'
import { monotonicMs } from '../../ground/os/time.ts'
import { startTimer } from '../../ground/os/timer.ts'
import type { WaitOptions } from '../../ground/waitable.ts'
import { describeAddress, type NetAddress } from '../../socket/address.ts'
import { connectSocket } from '../../socket/connect.ts' // lazy
import type { MessageSocket } from '../../socket/message-socket.ts'
import { HANDSHAKE_MS } from '../../socket/options.ts'
import { correspondent } from '../protocol/correspondent.ts'
import { DROP, KEEP, NOTHING } from '../protocol/frames.ts'
import { GoneWords } from '../protocol/gone-words.ts'
import { endGreeting, newGreeting } from '../protocol/greetings.ts'
import { methodNumber } from '../protocol/methods.ts'
import type { RemotePlace } from '../protocol/proxy-data.ts'
import { dropToken, type Token } from '../protocol/token.ts'
import { CallTable, managerDied, serverBlocked } from './link.ts'

/** While a blocking call waits, the thread checks the connection this often, in milliseconds. */
const SLICE_MS = 1000

/**
 * The number of times that this process was sent an object and has not given it back. Its proxy has the object, and so have others of the
 * family through it.
 */
export class RemoteHolder {
  readonly count: { value: number } = { value: 1 }
  /** Keeps the object for its sender: this process has asked the server to keep it, and the server may get that request too late. */
  readonly token: Token | undefined

  constructor(token?: Token) {
    this.token = token
  }
}

const links = new Map<string, RemoteLink>()
/** By the holder, which outlives its proxy while others of the family have the object. */
const collected = new FinalizationRegistry<{ link: RemoteLink; id: number; count: { value: number } }>(
  ({ link, id, count }) => link.drop(id, count.value)
)

/** The remote objects of this process that others of a family have: kept until they have them no more. */
const anchors = new WeakMap<Family, GoneWords>()
const anchored = new Map<object, number>()

/** Connects as a message requires; the connection stays. @throws the errors of `connectSocket` */
export async function connectFor(request: string): Promise<void> {
  const [address, key, method] = JSON.parse(request.slice(REMOTE_REQUEST.length)) as [NetAddress, string, StartMethod]
  await connectRemote(address, Buffer.from(key, 'base64'), method)
}

/**
 * Returns the link to a server. Each caller has to close it once.
 * @param method the start method of the family to which its proxies can be sent
 * @throws AuthenticationError, TimeoutError, MultiprocessError as `connectSocket`
 */
export async function connectRemote(
  address: NetAddress,
  authkey: Uint8Array,
  method: StartMethod,
  options: WaitOptions = {}
): Promise<RemoteLink> {
  const request = requestOf(address, authkey, method)
  let link = links.get(request)
  if (link === undefined) {
    const made = await openLink(address, authkey, method, request, options)
    // Another call may have been faster.
    link = links.get(request)
    if (link === undefined) {
      link = made
      links.set(request, link)
      markImported(request)
    } else {
      made.close()
    }
  }
  link.users++
  return link
}

/** Returns a connection to a manager that has answered. */
async function openLink(
  address: NetAddress,
  authkey: Uint8Array,
  method: StartMethod,
  request: string,
  options: WaitOptions
): Promise<RemoteLink> {
  const timeout = checkDuration('timeout', options.timeout ?? HANDSHAKE_MS)
  const end = monotonicMs() + timeout
  const socket = await connectSocket(address, { ...options, timeout, authkey })
  const link = new RemoteLink(socket, address, currentFamily(method), request)
  try {
    await link.greet(Math.max(1, end - monotonicMs()), options.signal)
    return link
  } catch (error) {
    link.close()
    throw error
  }
}

function requestOf(address: NetAddress, authkey: Uint8Array, method: StartMethod): string {
  return REMOTE_REQUEST + JSON.stringify([address, Buffer.from(authkey).toString('base64'), method])
}

/** Returns the link of a place in a message. The request of the place was imported. */
export function remoteLink(request: string): RemoteLink {
  const link = links.get(request)
  if (link === undefined) throw new SerializationError('cannot receive the proxy: its server is not connected')
  return link
}

export class RemoteLink extends CallTable {
  address: NetAddress
  readonly request: string
  /** The number of callers that have asked for the link, and not closed it. */
  users = 0
  readonly #family: Family
  readonly #socket: MessageSocket
  /** True if the server is in this thread. */
  #isOwn = false

  constructor(socket: MessageSocket, address: NetAddress, family: Family, request: string) {
    super(0, 'program')
    this.#socket = socket
    this.#family = family
    this.address = address
    this.request = request
    socket.onMessage(message => {
      try {
        this.receive(message, 0, message.length)
      } catch (cause) {
        this.#end(notManager(address, cause as Error))
      }
    })
    socket.onChange(() => this.#look())
  }

  /**
   * Resolves once the server has answered.
   * @param timeout milliseconds
   * @throws TimeoutError if the timeout expires first; the signal's reason if the signal is aborted; MultiprocessError `ERR_FRAME` if what
   * answers is not a manager
   */
  async greet(timeout: number, signal: AbortSignal | undefined): Promise<void> {
    const greeting = newGreeting()
    try {
      await new Promise<unknown>((resolve, reject) => {
        const onAbort = () => reject(signal?.reason)
        const stopTimer = startTimer(() => reject(silent(this.address, timeout)), timeout)
        signal?.addEventListener('abort', onAbort)
        const answer = this.call(0, methodNumber('manager', 'ping'), [greeting])
        answer.then(resolve, reject).finally(() => {
          stopTimer()
          signal?.removeEventListener('abort', onAbort)
        })
      })
    } finally {
      this.#isOwn = endGreeting(greeting)
    }
  }

  override callSync(object: number, method: number, args: readonly unknown[]): unknown {
    if (this.#isOwn) throw serverBlocked()
    return super.callSync(object, method, args)
  }

  /** Closes the link for one caller. After the last caller, the connection ends, and waiting calls fail. */
  close(): void {
    if (--this.users > 0) return
    this.#forget()
    this.fail(new ValueError('the manager was disconnected'))
    this.#socket.close()
  }

  /** Ends the link after unusable bytes. */
  #end(error: Error): void {
    this.#forget()
    this.fail(error)
    this.#socket.destroy(error)
  }

  describe(id: number, holder: object, writer: Writer): RemotePlace {
    if (correspondent() === this) return { remote: this.address, id, anchor: null }
    const { shared, number } = this.#family
    // As long as a process of the family has the token, this process has the object.
    let words = anchors.get(this.#family)
    if (words === undefined) {
      words = new GoneWords(this.#family, () => {})
      anchors.set(this.#family, words)
    }
    anchored.set(holder, (anchored.get(holder) ?? 0) + 1)
    const token = words.createToken(() => {
      const count = (anchored.get(holder) as number) - 1
      if (count === 0) anchored.delete(holder)
      else anchored.set(holder, count)
    })
    writer.name(this.#family, token)
    shared.drop(token)
    return { remote: this.address, id, anchor: { family: number, token, request: this.request } }
  }

  /** Gives the object back when nothing has the holder any more. */
  hold(id: number, holder: RemoteHolder): void {
    collected.register(holder, { link: this, id, count: holder.count }, holder)
  }

  /** Releases an object whose proxy was disposed of, unless others of the family have it. */
  release(id: number, holder: RemoteHolder): void {
    if (anchored.has(holder)) return
    collected.unregister(holder)
    this.drop(id, holder.count.value)
    if (holder.token !== undefined) dropToken(holder.token)
  }

  /** Tells the server that this process has an object which another process of the family was sent: that process may end first. */
  keep(id: number): void {
    if (!this.isGone) this.tell(0, id, KEEP, NOTHING)
  }

  /** Tells the server that this process no longer has an object, which it was sent this many times. */
  drop(id: number, count: number): void {
    if (!this.isGone && count > 0) this.tell(0, id, DROP, [count])
  }

  protected transmit(bytes: Uint8Array, start: number, length: number): void {
    // Waiting calls learn that the server is gone.
    if (this.#socket.hasEnded) this.#look()
    else this.#socket.send(bytes.slice(start, start + length))
  }

  protected block(isDone: () => boolean): void {
    this.#socket.waitSync(() => isDone() || this.#socket.hasEnded || undefined, SLICE_MS)
    this.#look()
  }

  protected onBusy(): void {
    this.#socket.ref()
  }

  protected onIdle(): void {
    this.#socket.unref()
  }

  #look(): void {
    if (!this.#socket.hasEnded) return
    this.#forget()
    this.fail(managerDied(this.address))
  }

  #forget(): void {
    if (links.get(this.request) !== this) return
    links.delete(this.request)
    markGone(this.request)
  }
}

function notManager(address: NetAddress, cause: Error): MultiprocessError {
  return new MultiprocessError(`the server at ${describeAddress(address)} is not a manager of this package`, {
    code: 'ERR_FRAME',
    cause
  })
}

function silent(address: NetAddress, timeout: number): TimeoutError {
  return new TimeoutError(
    `the server at ${describeAddress(address)} has not answered within ${Math.round(timeout)} ms: it is busy, or not a manager`
  )
}
