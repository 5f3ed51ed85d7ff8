/**
 * Calls to a server of the same family, through shared memory. Requests go into the server's mailbox, replies into this process's own
 * mailbox, which its event loop and its blocking calls both read. The process that reaps a dead server wakes all others; processes that
 * wait also check regularly.
 */
import { createMailbox, type Mailbox } from '../../channel/mailbox.ts'
import type { Writer } from '../../codec/values/writer.ts'
import { clearInterval, monotonicMs, setInterval } from '../../ground/os/time.ts'
import type { Parcel } from '../../ground/parcel.ts'
import type { Source } from '../../ground/waiting/event-loop.ts'
import { handleOf } from '../../memory/shared-object.ts'
import type { NetAddress } from '../../socket/address.ts'
import { HELLO } from '../protocol/frames.ts'
import type { LocalPlace } from '../protocol/proxy-data.ts'
import type { Token } from '../protocol/token.ts'
import { CallTable, managerDied } from './link.ts'

/** While a call waits, the process checks the server this often, in milliseconds. */
const LOOK_EVERY_MS = 200

const links = new WeakMap<Mailbox, LocalLink>()

/** Returns the link of this process to the server that reads the mailbox. */
export function localLink(server: Mailbox, address: NetAddress): LocalLink {
  let link = links.get(server)
  if (link === undefined) {
    link = new LocalLink(server, address)
    links.set(server, link)
  }
  return link
}

export class LocalLink extends CallTable implements Source {
  address: NetAddress
  readonly server: Mailbox
  readonly #replies: Mailbox
  #lookTimer: NodeJS.Timeout | undefined
  #lastLook = 0

  constructor(server: Mailbox, address: NetAddress) {
    const { family } = server
    super(family.self, 'family')
    this.server = server
    this.address = address
    this.#replies = createMailbox(family, family.self)
    family.loop.add(this)
    this.outbox.add(0, 0, HELLO << 16, this.#replies, 'replies')
  }

  /** Takes the available replies. */
  poll(): boolean {
    const isAny = this.#read()
    if (!isAny && this.#isServerGone(false)) this.#end()
    return isAny
  }

  describe(object: number, holder: object, writer: Writer): LocalPlace {
    const { at } = handleOf(holder as Token)
    const { family } = this.server
    writer.name(family, at)
    return { server: this.server, address: this.address, family: family.number, token: at, id: object }
  }

  protected transmit(bytes: Uint8Array, start: number, length: number, parcel: Parcel | null): void {
    this.server.post(bytes, start, length, parcel)
    if (this.isBusy) this.server.family.loop.stir()
  }

  protected block(): void {
    this.server.family.loop.block(LOOK_EVERY_MS)
    this.#look()
  }

  protected onBusy(): void {
    this.server.family.loop.hold()
    this.#lookTimer ??= setInterval(() => {
      if (this.isBusy) return this.#look()
      clearInterval(this.#lookTimer)
      this.#lookTimer = undefined
    }, LOOK_EVERY_MS).unref()
  }

  protected onIdle(): void {
    this.server.family.loop.release()
  }

  /** Checks the server. The replies of a dead server are taken first. */
  #look(): void {
    const now = monotonicMs()
    if (now - this.#lastLook < LOOK_EVERY_MS / 2) return
    this.#lastLook = now
    if (!this.isBusy || !this.#isServerGone(true)) return
    this.#read()
    this.#end()
  }

  #isServerGone(looksClosely: boolean): boolean {
    const { owner, family } = this.server
    if (owner === 0) return false
    return family.table.hasLeft(owner) || (looksClosely && !family.platform.isAlive(family.table, owner))
  }

  #read(): boolean {
    if (this.#replies.isEmpty) return false
    while (this.#replies.take((bytes, start, end) => this.receive(bytes, start, end)));
    return true
  }

  /** Ends the link: the server is gone. */
  #end(): void {
    while (this.#read());
    this.server.family.loop.remove(this)
    clearInterval(this.#lookTimer)
    this.fail(managerDied(this.address))
  }
}
