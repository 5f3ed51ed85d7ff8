/** What a manager's process runs. */
import { threadId } from 'node:worker_threads'
import type { Mailbox } from '../channel/mailbox.ts'
import { decode, missingModulesOf } from '../codec/decode.ts'
import { importModule } from '../codec/module-imports.ts'
import { receivedTarget } from '../process/received-target.ts'
import { Factories, type Factory } from './factories.ts'
import { ownProxy, setOwnServer } from './own-link.ts'
import './proxy-kind.ts'
import { Server } from './server.ts'

export interface ServerOptions {
  readonly mailbox: Mailbox
  /** The message with `Preparation`; null: there is nothing of one's own. */
  readonly preparation: Uint8Array | null
}

export interface Preparation {
  readonly factories: ReadonlyMap<string, Factory>
  readonly initializer: unknown
  readonly initargs: readonly unknown[]
}

/** Answers calls until the process ends. */
export async function serve({ mailbox, preparation }: ServerOptions): Promise<never> {
  // Ctrl-C reaches every process of the terminal; whether it ends the manager is for its owner to say.
  process.on('SIGINT', () => {})
  const { method } = mailbox.family.platform
  const address = method === 'thread' ? `thread ${threadId}` : `pid ${process.pid}`
  let own: ReadonlyMap<string, Factory> = new Map()
  let failure: { readonly error: unknown } | undefined
  try {
    if (preparation !== null) own = await prepare(preparation)
  } catch (error) {
    failure = { error }
  }
  const factories = new Factories(method, own)
  const server: Server = new Server(
    mailbox,
    {
      create(typeid, args) {
        if (failure !== undefined) throw failure.error
        return factories.create(typeid, args)
      },
      ping() {
        if (failure !== undefined) throw failure.error
        return address
      }
    },
    referent => ownProxy(server, mailbox, address, referent)
  )
  setOwnServer(mailbox, server)
  server.onShutdown = () => process.exit()
  server.start()
  return new Promise(() => {})
}

async function prepare(bytes: Uint8Array): Promise<ReadonlyMap<string, Factory>> {
  for (const module of missingModulesOf(bytes)) await importModule(module)
  const { factories, initializer, initargs } = decode(bytes) as Preparation
  if (initializer !== null) await (await receivedTarget(initializer))(...initargs)
  return factories
}
