/** The program of a manager's process. */
import type { Mailbox } from '../channel/mailbox.ts'
import { decode } from '../codec/decode.ts' // lazy
import { importRequired } from '../codec/receive.ts'
import { receivedTarget } from '../process/received-target.ts'
import type { NetAddress } from '../socket/address.ts'
import type { Factory } from './objects/catalogue.ts'
import { Serving } from './serving.ts' // lazy

export interface ServerOptions {
  readonly mailbox: Mailbox
  /** The address where other programs reach the server, with the key; null if they do not. */
  readonly listen: { readonly address: NetAddress; readonly authkey: Uint8Array } | null
  /** The message with `ServerPreparation`; null if the manager has no registered types and no initializer. */
  readonly preparation: Uint8Array | null
}

export interface ServerPreparation {
  readonly factories: ReadonlyMap<string, Factory>
  readonly initializer: unknown
  readonly initargs: readonly unknown[]
}

/** Answers calls until the process ends. */
export async function serve({ mailbox, listen, preparation }: ServerOptions): Promise<never> {
  // Ctrl-C reaches every process of the terminal; the owner of the manager decides whether it ends the manager.
  process.on('SIGINT', () => {})
  let own: ReadonlyMap<string, Factory> = new Map()
  let failure: { readonly error: unknown } | undefined
  let serving: Serving | undefined
  try {
    if (preparation !== null) own = await prepare(preparation)
  } catch (error) {
    failure = { error }
  }
  try {
    serving = new Serving(mailbox, own, failure === undefined ? listen : null, failure)
  } catch (error) {
    serving = new Serving(mailbox, own, null, { error })
  }
  serving.server.onShutdown = () => process.exit()
  serving.start()
  return new Promise(() => {})
}

async function prepare(bytes: Uint8Array): Promise<ReadonlyMap<string, Factory>> {
  await importRequired(bytes)
  const { factories, initializer, initargs } = decode(bytes) as ServerPreparation
  if (initializer !== null) await (await receivedTarget(initializer))(...initargs)
  return factories
}
