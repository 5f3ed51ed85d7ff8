/** The server of a cluster, with connections that are watched, and that are closed by a deadline. */
import { Redis, type RedisOptions } from 'ioredis'
import { MultiprocessError, ValueError } from 'multiprocess'
import { checkDuration, checkString } from 'multiprocess/pooling'

/** The options that name the server. */
export interface ServerOptions {
  /** `redis://` or, with TLS, `rediss://[user:password@]host[:port][/database]`. The server is Redis or Valkey, 6.2 or newer. */
  url: string
  /** Further options of ioredis: `sentinels` and `name`, `tls`, `family`. Default: none. */
  redis?: RedisOptions
  /**
   * The milliseconds for which a server may be unreachable, full or read-only before everything pending rejects with
   * `ERR_CLUSTER_UNREACHABLE`. Default: 60,000.
   */
  serverTimeout?: number
}

export const SERVER_TIMEOUT_MS = 60_000
/** A connection to a server that accepts commands but answers none is closed after this many milliseconds. */
const SOCKET_TIMEOUT_MS = 15_000
const CLOSE_MS = 2000
/** Errors for which waiting does not help. */
const HOPELESS = /^(?:WRONGPASS|NOAUTH|NOPERM)|invalid (?:username-password|password)|SELF_SIGNED|CERT_/

export class Server {
  readonly #options: ServerOptions
  readonly #connections = new Set<Redis>()
  readonly #onLost: (error: unknown) => void
  readonly #timeout: number
  /** True if open connections keep the program alive. */
  #isHeld = false
  #isClosed = false
  #lastError: unknown
  #timer: NodeJS.Timeout | undefined
  /** For commands that do not block. */
  readonly commands: Redis

  /** @param onLost called when the server was unreachable for too long, or refuses the login */
  constructor(options: ServerOptions, onLost: (error: unknown) => void) {
    this.#options = options
    this.#timeout = options.serverTimeout ?? SERVER_TIMEOUT_MS
    this.#onLost = onLost
    this.commands = this.connect({ socketTimeout: SOCKET_TIMEOUT_MS })
    this.commands.on('close', () => this.#watch())
    this.commands.on('ready', () => this.#found())
    this.#watch()
  }

  /** Returns another connection. It may be used at once, and reconnects by itself. */
  connect(extra: RedisOptions = {}): Redis {
    const redis = new Redis(this.#options.url, {
      maxRetriesPerRequest: null,
      connectTimeout: 5000,
      keepAlive: 10_000,
      retryStrategy: times => Math.min(50 * 2 ** times, 1000),
      // After a failover, this may still be the former master.
      reconnectOnError: error => (/^(?:READONLY|LOADING|MASTERDOWN)/.test(error.message) ? 2 : false),
      ...this.#options.redis,
      ...extra
    })
    redis.on('error', error => this.#failed(error))
    redis.on('connect', () => this.#apply(redis))
    redis.on('end', () => this.#connections.delete(redis))
    this.#connections.add(redis)
    return redis
  }

  /** Makes open connections keep the program alive, or not, from now on. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return
    this.#isHeld = isHeld
    for (const redis of this.#connections) this.#apply(redis)
    if (isHeld) this.#timer?.ref()
    else this.#timer?.unref()
  }

  #apply(redis: Redis): void {
    const { stream } = redis as { stream?: { ref?(): void; unref?(): void } }
    if (this.#isHeld) stream?.ref?.()
    else stream?.unref?.()
  }

  #failed(error: Error): void {
    this.#lastError = error
    const { code } = error as NodeJS.ErrnoException
    if (!this.#isClosed && HOPELESS.test(`${error.message} ${code ?? ''}`)) this.#lost()
  }

  #watch(): void {
    if (this.#isClosed || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#lost(), this.#timeout)
    if (!this.#isHeld) this.#timer.unref()
  }

  #found(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #lost(): void {
    if (this.#isClosed) return
    this.#onLost(
      new MultiprocessError(`cannot reach ${this.label} (waited ${this.#timeout} ms): ${reasonOf(this.#lastError)}`, {
        code: 'ERR_CLUSTER_UNREACHABLE',
        cause: this.#lastError
      })
    )
  }

  /** The URL without its password. */
  get label(): string {
    return this.#options.url.replace(/\/\/[^@/]*@/, '//')
  }

  /**
   * Ends all connections: in the regular way and, if the server does not answer within two seconds, by force.
   * @param others functions that must end first
   */
  async close(...others: (() => Promise<unknown>)[]): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#found()
    let stop = () => {}
    const deadline = new Promise<void>(resolve => {
      const timer = setTimeout(resolve, CLOSE_MS)
      stop = () => clearTimeout(timer)
    })
    const ended = Promise.allSettled(others.map(end => end()))
    await Promise.race([ended, deadline])
    stop()
    for (const redis of this.#connections) redis.disconnect()
    this.#connections.clear()
  }
}

/** @throws TypeError, ValueError if the options are invalid */
export function checkServer({ url, serverTimeout }: ServerOptions): void {
  checkString('url', url)
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new ValueError(`url must begin with redis:// or rediss://, got '${url.replace(/\/\/[^@/]*@/, '//')}'`)
  }
  if (serverTimeout !== undefined) checkDuration('serverTimeout', serverTimeout)
}

/** Returns true if the command may succeed later: the server is full, starts, or changes its role. */
export function isTemporary(error: unknown): boolean {
  const message = error instanceof Error ? error.message : ''
  return /^(?:OOM|LOADING|READONLY|MASTERDOWN|MISCONF|BUSY|TRYAGAIN|CLUSTERDOWN|NOREPLICAS)|Connection is closed|OOM command/.test(
    message
  )
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no connection came about'
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name)
}
