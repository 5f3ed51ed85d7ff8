/**
 * The server of a manager: objects, and an event loop that answers calls of their methods.
 *
 * A call is a frame with an id (`frames.ts`). Its reply has the same id, and replies come in any order: a call that waits for a lock or an
 * item is a promise, and delays no other call. Clients of the family put their frames into the server's mailbox, a ring in shared memory,
 * and each has its own mailbox for replies; other clients send the same frames through sockets.
 *
 * An object lives as long as a client holds it. Within the family, tokens show this: shared blocks that count their living holders
 * (`token.ts`, `gone-words.ts`). A remote client holds what it was sent until it gives it back or its connection ends. A proxy at the
 * server keeps its object by reference, so the garbage collector finds what nothing can reach, including circles.
 *
 * A wait ends by its timeout, its caller's cancellation, or its caller's end. If a call succeeds before its cancellation arrives, the
 * client gets the result, so nothing is granted unseen. Locks that a dead client held go to the next client, with OwnerDiedError.
 */
import type { Mailbox } from '../../channel/mailbox.ts'
import { Pending } from '../../codec/receive.ts'
import { MultiprocessError, ValueError } from '../../errors.ts'
import { SHARED_OWNER } from '../../ground/arena/process-table.ts'
import type { Family } from '../../ground/family.ts'
import {
  clearInterval,
  MOST_SPINS,
  monotonicMs,
  queueMicrotask,
  setImmediate,
  setInterval
} from '../../ground/os/time.ts'
import { keepParcelFor } from '../../ground/parcel.ts'
import type { Source } from '../../ground/waiting/event-loop.ts'
import { substituteError } from '../../pool/worker/substitute.ts'
import type { MessageSocket } from '../../socket/message-socket.ts'
import { isGone } from '../../sync/turns.ts'
import type { BaseProxy } from '../client/proxy.ts'
import { Call, Cancelled, runCall, withoutContexts } from '../protocol/call.ts'
import { withCorrespondent } from '../protocol/correspondent.ts'
import {
  CALL,
  CANCEL,
  CANCELLED,
  DROP,
  ERROR,
  type Frame,
  FrameOutbox,
  HELLO,
  KEEP,
  NOTHING,
  readFrames,
  readValue,
  senderOf,
  VALUE
} from '../protocol/frames.ts'
import { GoneWords } from '../protocol/gone-words.ts'
import { methodNames, REGISTERED } from '../protocol/methods.ts'
import { closePeer, type Holding, type Peer } from '../protocol/peer.ts'
import { type Referent, Referents } from '../protocol/referents.ts'
import { isThenable, Served, serveIterators } from '../protocol/served.ts'
import { type Host, RemotePeer } from './remote-peer.ts'

/** After this many milliseconds of calls, the server lets its event loop run. */
const TURN_MS = 2
/** While calls wait, the server checks this often, in milliseconds, that its clients live, some of them each time. */
const LOOK_EVERY_MS = 250
const MOST_LOOKS = 64

class LocalPeer implements Peer {
  readonly isLocal = true
  isGone = false
  readonly owner: number
  readonly calls: Peer['calls'] = new Map()
  readonly holdings = new Set<Holding>()
  readonly outbox: FrameOutbox

  constructor(owner: number, replies: Mailbox) {
    this.owner = owner
    this.outbox = new FrameOutbox(0, (bytes, start, length, parcel) => replies.post(bytes, start, length, parcel))
  }

  /** Does nothing: the tokens of such a client are counted instead. */
  keep(): () => void {
    return () => {}
  }

  drop(): void {}
}

/** The object 0: what clients ask of the server itself. */
export interface ManagerObject {
  create(typeid: string, args: readonly unknown[]): unknown
  /** Answers once everything is prepared, and throws if that failed. @param greeting that of a client that connects: `greetings.ts` */
  ping(greeting: unknown): unknown
}

export class Server implements Source, Host {
  readonly family: Family
  readonly referents = new Referents()
  readonly #mailbox: Mailbox
  readonly #manager: ManagerObject
  readonly #tokens: GoneWords
  /** The clients from other programs. */
  readonly peers = new Set<RemotePeer>()
  readonly #locals = new Map<number, LocalPeer>()
  /** Frames of a client that wait for modules that an earlier frame of the client needs. */
  readonly #lines = new WeakMap<Peer, Promise<void>>()
  readonly #own = new WeakMap<object, Referent>()
  readonly #dirty = new Set<Peer>()
  readonly #makeProxy: (referent: Referent) => BaseProxy
  #isAnswering = false
  #isScheduled = false
  #lookTimer: NodeJS.Timeout | undefined
  #looked = 0

  /** @param makeProxy creates the proxy of an object inside this process */
  constructor(mailbox: Mailbox, manager: ManagerObject, makeProxy: (referent: Referent) => BaseProxy) {
    this.family = mailbox.family
    this.#mailbox = mailbox
    this.#manager = manager
    this.#makeProxy = makeProxy
    this.#tokens = new GoneWords(this.family, () => this.#buryDead(false))
  }

  /** Counts objects and clients for observers outside the family. */
  count(): void {
    const objects = this.#mailbox.owner === SHARED_OWNER ? undefined : this.referents.size
    this.family.titles.setServed(objects, this.#locals.size + this.peers.size)
  }

  add(socket: MessageSocket): void {
    this.peers.add(new RemotePeer(this, socket))
  }

  /** Answers calls of the family from now on. */
  start(): void {
    this.family.loop.add(this)
    this.family.loop.hold()
  }

  stop(hasStarted = true): void {
    if (hasStarted) {
      this.family.loop.remove(this)
      this.family.loop.release()
    }
    // Waiting clients of the family then see that no process reads the mailbox.
    this.#mailbox.owner = SHARED_OWNER
    clearInterval(this.#lookTimer)
    this.#tokens.stop()
    for (const peer of this.peers) peer.close()
    this.count()
  }

  /** Answers what has arrived. An answer may wait in here again: frames that came later then wait, too. */
  poll(): boolean {
    if (this.#isAnswering || this.#mailbox.isEmpty) return false
    this.#isAnswering = true
    try {
      const end = monotonicMs() + TURN_MS
      let looks = 0
      while (this.#mailbox.take(this.#take) && ++looks < MOST_SPINS && monotonicMs() < end);
    } finally {
      this.#isAnswering = false
      this.#flush()
    }
    this.family.loop.stir()
    return true
  }

  readonly #take = (bytes: Uint8Array, start: number, end: number): void => {
    const owner = senderOf(bytes, start)
    readFrames(bytes, start, end, frame => {
      let peer = this.#locals.get(owner)
      if (peer === undefined) {
        // A client that does not begin with HELLO was already given up as dead.
        if (frame.b >> 16 !== HELLO) return
        peer = new LocalPeer(owner, readValue(bytes, frame, this) as Mailbox)
        this.#locals.set(owner, peer)
        return
      }
      this.receive(peer, bytes, frame)
    })
  }

  /** Takes a frame of a client. */
  receive(peer: Peer, bytes: Uint8Array, frame: Frame): void {
    const line = this.#lines.get(peer)
    if (line === undefined) {
      const rest = this.#accept(peer, bytes, frame)
      if (rest !== undefined) this.#standInLine(peer, rest)
      return
    }
    const copy = bytes.slice(frame.start, frame.end)
    const { id, a, b } = frame
    const later = line.then(() => this.#accept(peer, copy, { id, a, b, start: 0, end: copy.length }))
    keepParcelFor(later)
    this.#standInLine(peer, later)
  }

  #standInLine(peer: Peer, rest: Promise<void>): void {
    const line = rest.then(() => {
      if (this.#lines.get(peer) === line) this.#lines.delete(peer)
    })
    this.#lines.set(peer, line)
  }

  /** Returns a promise if modules have to be imported first. */
  #accept(peer: Peer, bytes: Uint8Array, frame: Frame): Promise<void> | undefined {
    const { id, a: object } = frame
    const kind = frame.b >> 16
    const method = frame.b & 0xffff
    if (kind === CANCEL) {
      peer.calls.get(id)?.cancel()
      return
    }
    let args: unknown
    try {
      args = readValue(bytes, frame, peer) ?? []
    } catch (error) {
      this.#reply(peer, id, ERROR, error)
      return
    }
    if (args instanceof Pending) {
      return args.promise.then(
        later => this.#begin(peer, kind, id, object, method, later),
        error => this.#reply(peer, id, ERROR, error)
      )
    }
    this.#begin(peer, kind, id, object, method, args)
  }

  #begin(peer: Peer, kind: number, id: number, object: number, method: number, args: unknown): void {
    if (kind === DROP && Array.isArray(args)) {
      peer.drop(object, Number(args[0]))
      return
    }
    if (kind === KEEP) {
      const referent = this.referents.get(object)
      if (referent !== undefined) peer.keep(referent)
      return
    }
    if (kind !== CALL || !Array.isArray(args)) {
      this.#reply(peer, id, ERROR, new ValueError('the manager got a request that it does not know'))
      return
    }
    const call = new Call(peer)
    let result: unknown
    try {
      result = runCall(call, () =>
        object === 0 ? this.#callManager(method, args) : this.invoke(this.#find(object), method, args)
      )
    } catch (error) {
      this.#answer(peer, id, ERROR, error)
      return
    }
    if (!(result instanceof Promise)) {
      this.#answer(peer, id, VALUE, result)
      return
    }
    peer.calls.set(id, call)
    this.#watchPeers()
    result.then(
      value => this.#end(peer, id, call, VALUE, value),
      error => this.#end(peer, id, call, ERROR, error)
    )
  }

  #end(peer: Peer, id: number, call: Call, status: number, value: unknown): void {
    // The call was given up with its client.
    if (peer.calls.get(id) !== call) return
    peer.calls.delete(id)
    this.#answer(peer, id, status, value)
  }

  #find(id: number): Referent {
    const referent = this.referents.get(id)
    if (referent === undefined) {
      throw new MultiprocessError(`the manager has no object with the id ${id}`, { code: 'ERR_NO_OBJECT' })
    }
    return referent
  }

  /** Calls a method. A result that stays at the server is returned as a proxy. */
  invoke(referent: Referent, method: number, args: readonly unknown[]): unknown {
    const name = referent.methods[method]
    if (name === undefined) throw new ValueError(`${referent.type.typeid} has no method with the number ${method}`)
    const result = referent.object[name](...(referent.isNesting ? withoutContexts(args) : args))
    if (referent.type.kind !== REGISTERED && referent.type.kind !== 'callable') return result
    if (isThenable(result)) return Promise.resolve(result).then(value => serveIterators(value, referent))
    return serveIterators(result, referent)
  }

  #callManager(method: number, args: readonly unknown[]): unknown {
    const name = methodNames('manager')[method]
    if (name === 'create') return this.#manager.create(args[0] as string, args[1] as unknown[])
    if (name === 'ping') return this.#manager.ping(args[0])
    if (name === 'numberOfObjects') return this.referents.size
    if (name === 'debugInfo') {
      return [...this.referents].map(({ id, type, holders }) => ({ id, typeid: type.typeid, holders }))
    }
    if (name === 'shutdown') setImmediate(() => this.onShutdown())
    return undefined
  }

  /** Called when a client asks for the end. */
  onShutdown: () => void = () => {}

  /** Returns the proxy of an existing object, inside this process; undefined if nothing holds the object any more. */
  proxyOf(id: number): BaseProxy | undefined {
    const referent = this.referents.get(id)
    return referent === undefined ? undefined : this.#makeProxy(referent)
  }

  /** Serves an object. If a user's object is served again by the same name, the referent is the same. */
  serve({ type, object, methods }: Served): BaseProxy {
    const known = type.kind === REGISTERED ? this.#own.get(object) : undefined
    if (known?.type.typeid === type.typeid) return this.#makeProxy(known)
    const referent = this.referents.create(type, object, methods)
    if (type.kind === REGISTERED) this.#own.set(object, referent)
    return this.#makeProxy(referent)
  }

  /** Returns a new token of the object, held by this process until it releases the token. */
  createToken(referent: Referent): number {
    this.referents.hold(referent)
    return this.#tokens.createToken(() => this.referents.release(referent))
  }

  #answer(peer: Peer, id: number, status: number, value: unknown): void {
    if (status === ERROR) {
      if (value instanceof Cancelled) this.#reply(peer, id, CANCELLED, undefined)
      else this.#reply(peer, id, ERROR, value)
      return
    }
    let result = value
    if (value instanceof Served) result = this.serve(value)
    this.#reply(peer, id, VALUE, result)
  }

  #reply(peer: Peer, id: number, status: number, value: unknown): void {
    try {
      this.#write(peer, id, status, value, status === ERROR ? 'the error' : 'the result')
    } catch (reason) {
      this.#writeInstead(peer, id, status === ERROR ? substituteError(value, reason) : reason)
    }
    this.#dirty.add(peer)
    this.#flushSoon()
  }

  #writeInstead(peer: Peer, id: number, error: unknown): void {
    try {
      this.#write(peer, id, ERROR, error, 'the error')
    } catch (reason) {
      this.#write(peer, id, ERROR, new ValueError(`the result of the call cannot cross: ${reason}`), 'the error')
    }
  }

  #write(peer: Peer, id: number, status: number, value: unknown, path: string): void {
    withCorrespondent(peer, () => peer.outbox.add(id, status, 0, value === undefined ? NOTHING : value, path))
  }

  /** Sends replies to one client together. */
  #flushSoon(): void {
    if (this.#isAnswering || this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    for (const peer of this.#dirty) peer.outbox.flush()
    this.#dirty.clear()
    this.count()
  }

  /** Releases what dead clients hold, after answering what they asked for before. */
  #buryDead(looksClosely: boolean): void {
    let looks = 0
    for (const [owner, peer] of this.#locals) {
      const isTurn = looksClosely && looks++ >= this.#looked && looks <= this.#looked + MOST_LOOKS
      if (!isGone(this.family, owner, isTurn) && !this.family.table.hasEnded(owner)) continue
      for (const isTaken = this.#mailbox.untilNow(); !isTaken() && this.poll(); );
      this.#locals.delete(owner)
      closePeer(peer)
      this.count()
    }
    if (looksClosely) this.#looked = this.#looked + MOST_LOOKS >= looks ? 0 : this.#looked + MOST_LOOKS
  }

  /** Checks the clients regularly: the process that would report a death may be blocked. */
  #watchPeers(): void {
    this.#lookTimer ??= setInterval(() => {
      if ([...this.#locals.values()].some(({ calls }) => calls.size > 0)) {
        this.#buryDead(true)
        return
      }
      clearInterval(this.#lookTimer)
      this.#lookTimer = undefined
    }, LOOK_EVERY_MS)
  }
}
