/** Python's `multiprocessing.managers`. */
import { createMailbox } from '../channel/mailbox.ts'
import { checkArray, checkDuration, checkOptions, optionNames } from '../checks.ts'
import { encodeHeld, type Releases, runAll } from '../codec/encode.ts' // lazy
import { ValueError } from '../errors.ts'
import { methodOf } from '../ground/bound-class.ts'
import { defaultMethod } from '../ground/default-method.ts'
import { currentFamily } from '../ground/family.ts' // lazy
import { inspectAs, printable } from '../ground/inspect.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { timeoutOf, type WaitOptions } from '../ground/waitable.ts'
import { usualStartTimeout } from '../process/deadline.ts' // lazy
import { tell } from '../process/events.ts'
import { type Started, start } from '../process/start.ts' // lazy
import { currentIdentity, nextPath } from '../process/state.ts'
import { checkTarget, sentTarget, type Target } from '../process/target.ts'
import { checkAddress, checkBindAddress, describeAddress, isLoopback, type NetAddress } from '../socket/address.ts' // lazy
import { checkSocketOptions } from '../socket/options.ts' // lazy
import { formatAddress, type Link } from './client/link.ts' // lazy
import { type LocalLink, localLink } from './client/local-link.ts' // lazy
import type { BaseProxy } from './client/proxy.ts'
import { methodNumber } from './protocol/methods.ts'
import './proxy-kind.ts'
import { connectRemote, RemoteLink } from './client/remote-link.ts' // lazy
import { ManagerServer } from './manager-server.ts' // lazy
import { ownFactories, type RegisterOptions, register } from './protocol/registry.ts'
import type { ServerPreparation } from './server-main.ts'

/** A server that was asked to end has this many milliseconds, and the same again after SIGTERM. */
const END_MS = 1000

/** The options of a manager. */
export interface ManagerOptions {
  /**
   * The address where other programs reach the server: the path of a unix socket, or a host and a port. Default: only the family reaches
   * it.
   */
  address?: NetAddress
  /** The key by which both sides authenticate. Default: the key of the current process. */
  authkey?: string | Uint8Array
}

/** The options of `BaseManager.start`. */
export interface StartOptions {
  /** Runs in the server before it answers. */
  initializer?: Target
  /** The arguments of the initializer. Default: []. */
  initargs?: unknown[]
  /**
   * The milliseconds that the server's process has from its start until its Node has loaded this library; the initializer may take longer.
   * Default: 30,000, times the load of each processor if that is above 1.
   */
  startTimeout?: number
}

const MANAGER_OPTIONS = optionNames('{ address, authkey }', 'address', 'authkey')
const START_OPTIONS = optionNames('{ initializer, initargs: [] }', 'initargs', 'initializer', 'startTimeout')

/**
 * A manager without types: subclasses register their own. See Python's `multiprocessing.managers.BaseManager`.
 * @example
 * import { BaseManager, type Remote } from 'multiprocess'
 *
 * class Counter {
 *   #count = 0
 *   next() {
 *     return ++this.#count
 *   }
 * }
 *
 * class CounterManager extends BaseManager {
 *   declare Counter: () => Promise<Remote<Counter>>
 * }
 * CounterManager.register('Counter', Counter)
 *
 * await using manager = new CounterManager()
 * await manager.start()
 * const counter = await manager.Counter()
 * console.log(await counter.next()) // 1
 */
export class BaseManager implements AsyncDisposable {
  /** The start method of the server. */
  static get method(): StartMethod {
    return defaultMethod()
  }

  readonly #options: ManagerOptions
  #link: Link | undefined
  #server: Started | undefined
  #isConnecting = false

  static {
    inspectAs(BaseManager, manager => manager.#describe())
  }

  /** @throws TypeError, ValueError if the address or the key is invalid */
  constructor(options: ManagerOptions = {}) {
    checkOptions(options, MANAGER_OPTIONS)
    const { address, authkey } = options
    if (address !== undefined) checkAddress(address)
    if (authkey !== undefined) checkSocketOptions({ authkey }, MANAGER_OPTIONS)
    this.#options = options
  }

  /**
   * Adds a type of objects to the managers of this class, and of those that extend it. The managers get a method with the name of the type,
   * which creates an object and returns its proxy.
   * @param typeid the name of the type
   * @param factory a class, a function that returns the object or a promise of it, or the name of either. Default: none; then the managers
   * can only connect to servers that have the type
   * @param options.exposed the methods that proxies have. Default: all whose names do not begin with `_`
   * @param options.createMethod false to add no method. Default: true
   * @throws TypeError if the factory is neither a class nor a function; ValueError for a name that managers use for something else
   */
  static register(typeid: string, factory?: unknown, options: RegisterOptions = {}): void {
    // biome-ignore lint/complexity/noThisInStatic: each subclass has a registry of its own
    register(this, typeid, factory, options, BaseManager.prototype)
  }

  /**
   * Starts the server, a child of this process that ends with it. Resolves once the server answers.
   * @throws what the initializer throws; SerializationError if what was registered cannot cross
   * @throws ProcessError if the system refuses another process, and with `ERR_WORKER_START` if the server does not report in time
   * @throws ValueError if the manager was started before, or is connected
   */
  async start(options: StartOptions = {}): Promise<void> {
    checkOptions(options, START_OPTIONS)
    const { startTimeout } = options
    if (startTimeout !== undefined) checkDuration('startTimeout', startTimeout)
    this.#checkNew()
    const method = methodOf(this)
    const listen = this.#listen()
    const prepared = prepare(ownFactories(this.constructor), options, method)
    const family = currentFamily(method)
    const mailbox = createMailbox(family)
    const path = nextPath()
    try {
      this.#server = start({
        object: this,
        method,
        name: `Manager-${path.join(':')}`,
        path,
        isDaemon: true,
        isPoolWorker: true,
        role: 'manager',
        authkey: currentIdentity().authkey,
        startTimeout: startTimeout ?? usualStartTimeout(),
        load: {
          target: { module: new URL('./server-main.js', import.meta.url).href, export: 'serve' },
          subclass: null,
          args: [{ mailbox, listen, preparation: prepared?.bytes ?? null }],
          fields: null
        }
      })
    } catch (error) {
      runAll(prepared?.releases ?? null)
      throw error
    }
    const server = this.#server
    mailbox.owner = server.id
    server.onEnd(() => runAll(prepared?.releases ?? null))
    const link = localLink(mailbox, `pid ${server.pid}`)
    this.#link = link
    try {
      link.address = (await link.call(0, methodNumber('manager', 'ping'), [])) as NetAddress
      tell('managerStart', () => ({ manager: this, address: link.address }))
      server.onEnd(() => tell('managerEnd', () => ({ manager: this, address: link.address })))
    } catch (error) {
      await this.#end(server, link)
      this.#server = undefined
      this.#link = undefined
      throw server.startError ?? error
    }
  }

  /**
   * Connects to the server of another program, at the address of this manager. Resolves once the server has answered.
   * @param options.timeout milliseconds. Default: 20,000
   * @throws AuthenticationError if the keys differ; TimeoutError if the timeout expires first; the signal's reason if the signal is aborted
   * @throws MultiprocessError with the system's code (ENOENT, ECONNREFUSED, …), or with `ERR_FRAME` if what answers is not a manager
   * @throws ValueError without an address, and if the manager was started before, or is connected
   */
  async connect(options: WaitOptions = {}): Promise<void> {
    this.#checkNew()
    const { address } = this.#options
    if (address === undefined)
      throw new ValueError('cannot connect: the manager was made without an address; give { address }')
    this.#isConnecting = true
    try {
      this.#link = await connectRemote(address, this.#authkey, methodOf(this), options)
      tell('managerConnect', () => ({ manager: this, address }))
    } finally {
      this.#isConnecting = false
    }
  }

  /**
   * Returns a server in this process, which answers once `serveForever` is called.
   * @throws ValueError, MultiprocessError if it cannot listen at the address
   */
  getServer(): ManagerServer {
    this.#checkNew()
    const family = currentFamily(methodOf(this))
    return new ManagerServer(createMailbox(family, family.self), ownFactories(this.constructor), this.#listen())
  }

  get #authkey(): Uint8Array {
    const { authkey = currentIdentity().authkey } = this.#options
    return typeof authkey === 'string' ? Buffer.from(authkey) : authkey
  }

  /** @throws ValueError if the address or the key is invalid */
  #listen(): { address: NetAddress; authkey: Uint8Array } | null {
    const { address, authkey } = this.#options
    if (address === undefined) return null
    if (authkey === undefined && !isLoopback(checkBindAddress(address))) {
      throw new ValueError(
        `cannot listen at ${describeAddress(address)} without an authkey: other machines could reach the server, and clients ` +
          'do not have the random key of this process; give { authkey }, or listen at localhost'
      )
    }
    return { address, authkey: this.#authkey }
  }

  /** Creates an object of a registered type, and returns its proxy. */
  protected async create(typeid: string, args: readonly unknown[]): Promise<BaseProxy> {
    return this.#open().call(0, methodNumber('manager', 'create'), [typeid, args]) as Promise<BaseProxy>
  }

  /**
   * Ends the server, which this manager must have started, with all its objects. Does nothing if the server has ended.
   * @throws ValueError if this manager did not start a server
   */
  async shutdown(): Promise<void> {
    const server = this.#server
    if (server === undefined) {
      throw new ValueError('cannot shut down the server: this manager did not start it')
    }
    await this.#end(server, this.#link as LocalLink)
  }

  async #end(server: Started, link: LocalLink): Promise<void> {
    if (server.isAlive())
      await Promise.race([
        link.call(0, methodNumber('manager', 'shutdown'), []).catch(() => {}),
        server.join(END_MS, undefined)
      ])
    if (await server.join(END_MS, undefined)) return
    server.kill('SIGTERM')
    if (await server.join(END_MS, undefined)) return
    server.kill('SIGKILL')
    await server.join(Number.POSITIVE_INFINITY, undefined)
  }

  /**
   * Resolves to true once the server has ended, or to false if the timeout expires first.
   * @param options.timeout milliseconds. Default: Infinity
   * @throws ValueError if this manager did not start a server; the signal's reason if the signal is aborted
   */
  async join(options: WaitOptions = {}): Promise<boolean> {
    if (this.#server === undefined) throw new ValueError('cannot join the server: this manager did not start it')
    return this.#server.join(timeoutOf(options), options.signal)
  }

  /** The address of the server; until it is known, the address that was passed. */
  get address(): NetAddress {
    return this.#link?.address ?? this.#options.address ?? ''
  }

  /** Returns the number of objects that the server keeps for clients. */
  async numberOfObjects(): Promise<number> {
    return this.#open().call(0, methodNumber('manager', 'numberOfObjects'), []) as Promise<number>
  }

  /** Returns the objects that the server keeps for clients. `holders` is the number of processes and messages that refer to the object. */
  async debugInfo(): Promise<{ id: number; typeid: string; holders: number }[]> {
    return this.#open().call(0, methodNumber('manager', 'debugInfo'), []) as never
  }

  /** Ends the server if this manager started it; disconnects if this manager is connected to one. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server !== undefined) return this.shutdown()
    const link = this.#link
    this.#link = undefined
    if (link instanceof RemoteLink) link.close()
  }

  #describe(): string {
    const link = this.#link
    const state = this.#state
    return link === undefined ? state : `at ${printable(formatAddress(link.address))}, ${state}`
  }

  /** The state, as far as this process has noticed. */
  get #state(): string {
    const server = this.#server
    if (server !== undefined) return server.knownExitcode === null ? 'started' : 'stopped'
    if (this.#isConnecting) return 'connecting'
    if (this.#link === undefined) return 'initial'
    return this.#link.isGone ? 'disconnected' : 'connected'
  }

  #open(): Link {
    if (this.#link === undefined) {
      throw new ValueError('cannot use the manager: it has no server yet; await start() or connect() first')
    }
    return this.#link
  }

  #checkNew(): void {
    if (this.#link !== undefined || this.#server !== undefined || this.#isConnecting) {
      throw new ValueError('cannot start or connect the manager: it already has a server; make another manager')
    }
  }
}

function prepare(
  factories: ServerPreparation['factories'],
  { initializer, initargs = [] }: StartOptions,
  method: StartMethod
): { bytes: Uint8Array; releases: Releases } | undefined {
  if (initializer !== undefined) checkTarget(initializer, 'initializer')
  checkArray('initargs', initargs)
  if (factories.size === 0 && initializer === undefined) return undefined
  const preparation: ServerPreparation = {
    factories,
    initializer: initializer === undefined ? null : sentTarget(initializer, 'initializer'),
    initargs
  }
  return encodeHeld(preparation, 'manager', { sharesBuffers: method === 'thread' ? 'held' : 'no' })
}
