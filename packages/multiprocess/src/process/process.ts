/** A process of one's own: Python's `multiprocessing.Process`. */

import {
  checkArray,
  checkBoolean,
  checkDuration,
  checkInteger,
  checkOptions,
  checkString,
  describe,
  optionNames
} from '../checks.ts'
import { ValueError } from '../errors.ts'
import type { Awaitable } from '../ground/awaitable.ts'
import { methodOf } from '../ground/bound-class.ts'
import { defaultMethod } from '../ground/default-method.ts'
import { Handed } from '../ground/handed.ts'
import { inspectAs, printable } from '../ground/inspect.ts'
import type { StartMethod } from '../ground/members/platform.ts'
import { timeoutOf, type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import { usualStartTimeout } from './deadline.ts' // lazy
import type { Role, TargetCall } from './role.ts'
import { type Plan, runningObjects, Started, start } from './start.ts' // lazy
import { currentIdentity, nextPath } from './state.ts'
import { checkTarget, sentTarget, type Target } from './target.ts'

interface ProcessSettings<A extends unknown[]> {
  /** What the child runs. It ends when that is done and nothing else keeps its event loop alive. */
  target?: Target<A>
  /** Left out: `Process-1`, `Process-1:2` for a child's child, … */
  name?: string
  /** A daemon is ended when its parent ends, does not keep the parent alive, and may not start children. Left out: as this process. */
  daemon?: boolean
  /**
   * Takes a started, idle process from the reserve of this program, if one is ready, and keeps so many ready for the next starts,
   * which then take a small part of the time. The reserve lets the program end, and ends with it. Each of them has a Node's
   * memory. 0 gives up what is left. Left out: a start of its own, which leaves the reserve alone.
   */
  reserve?: number
  /**
   * Milliseconds that the child has from its start until its Node has loaded this library; one that is late is killed, and `join()` rejects with
   * `ERR_WORKER_START`. Default: 30,000, times the load of each processor.
   */
  startTimeout?: number
}

interface OptionalArgs<A extends unknown[]> {
  /** The arguments of `target`. Default: []. */
  args?: A
}

interface RequiredArgs<A extends unknown[]> {
  /** The arguments of `target`. */
  args: A
}

/** The options of a process whose target takes the arguments `A`: without those that the target needs it does not compile. */
export type ProcessOptions<A extends unknown[]> = ProcessSettings<A> &
  ([] extends A ? OptionalArgs<A> : RequiredArgs<A>)

const roles = new Handed<Role>()

let lineOf: (process: Process) => string

/**
 * A Process for one that this object did not start: the current one, or its parent. The constructor of `subclass` does
 * not run.
 */
export function processInRole(role: Role, subclass: typeof Process): Process {
  return roles.during(role, () => Reflect.construct(Process, [], subclass))
}

/**
 * Runs `target(...args)`, or an overriding `run()`, in a process of its own.
 *
 * A process that is not a daemon keeps its parent's event loop alive while it runs, so that a program ends after its
 * children (Python's parent joins them at its exit); `process.exit()` ends them at once.
 */
export class Process<A extends unknown[] = never[]> implements AsyncDisposable {
  /** What its instances start. */
  protected static get method(): StartMethod {
    return defaultMethod()
  }
  #name: string
  #daemon: boolean
  #authkey: Uint8Array
  readonly #reserve: number | undefined
  readonly #startTimeout: number | undefined
  #work: TargetCall | undefined
  #path: readonly number[] = []
  #role: Role | undefined
  #isClosed = false

  static {
    lineOf = process => {
      const state = process.#isClosed ? 'closed' : (process.#role?.describe() ?? 'initial')
      return `${printable(process.#name)}${process.#daemon ? ', daemon' : ''}, ${state}`
    }
  }

  /** @throws TypeError for an option of another type */
  constructor(options: ProcessOptions<A> = {} as ProcessOptions<A>) {
    const identity = currentIdentity()
    const role = roles.take()
    this.#role = role
    if (role !== undefined) {
      this.#name = role.name
      this.#daemon = role.daemon
      this.#authkey = identity.authkey
      this.#work = role.work
      return
    }
    const { target, args = [], name, daemon, reserve, startTimeout } = checked<A>(options)
    const path = nextPath()
    this.#work = { target, args }
    this.#reserve = reserve
    this.#startTimeout = startTimeout
    this.#path = path
    this.#name = name ?? `Process-${path.join(':')}`
    this.#daemon = daemon ?? identity.isDaemon
    this.#authkey = identity.authkey
  }

  /** What the child runs; a subclass may override it instead of giving a target. */
  run(): Awaitable<unknown> {
    const { target, args } = this.#work ?? {}
    return typeof target === 'function' ? (target as (...args: unknown[]) => unknown)(...(args ?? [])) : undefined
  }

  /**
   * Starts the child; returns at once.
   * @throws SerializationError when the target or its arguments cannot cross
   * @throws ValueError when it was started before, in a daemon, and while a child still imports its modules
   * @throws ProcessError when the system refuses another process
   */
  start(): void {
    this.#checkOpen()
    if (this.#role !== undefined || this.#work === undefined) {
      throw new ValueError(`cannot start ${this.#name} twice: make a new Process`)
    }
    this.#role = start({
      object: this,
      method: methodOf(this),
      name: this.#name,
      path: this.#path,
      isDaemon: this.#daemon,
      isPoolWorker: false,
      authkey: this.#authkey,
      reserve: this.#reserve,
      startTimeout: this.#startTimeout ?? usualStartTimeout(),
      ...this.#plan(this.#work)
    })
    // The child has its own copy: what only the target keeps alive here can be collected.
    this.#work = undefined
  }

  #plan({ target, args }: TargetCall): Pick<Plan, 'load'> {
    const isOverridden = this.run !== Process.prototype.run
    return {
      load: {
        target: target === undefined ? null : sentTarget(target, 'target'),
        subclass: isOverridden ? sentTarget(this.constructor as never, 'the class of the process') : null,
        args,
        fields: isOverridden ? { ...this } : null
      }
    }
  }

  /**
   * Resolves to true once the child has ended, to false when the timeout, in milliseconds, ran out. Rejects with the
   * signal's reason when that fires, and with `ERR_WORKER_START` when the child did not report in time (`startTimeout`).
   * @throws ValueError before `start()`, and for a process that is not this one's child
   */
  async join(options: WaitOptions = {}): Promise<boolean> {
    const child = this.#child('join')
    const hasEnded = await child.join(timeoutOf(options), options.signal)
    if (child.startError !== undefined) throw child.startError
    return hasEnded
  }

  /** The same, blocking this thread. */
  joinSync(options: { timeout?: number } = {}): boolean {
    const child = this.#child('join')
    const hasEnded = child.joinSync(timeoutOf(options))
    if (child.startError !== undefined) throw child.startError
    return hasEnded
  }

  isAlive(): boolean {
    this.#checkOpen()
    return this.#role?.isAlive() ?? false
  }

  /** SIGTERM. Nothing happens when it has ended. */
  terminate(): void {
    this.#signal('SIGTERM')
  }

  /** SIGKILL */
  kill(): void {
    this.#signal('SIGKILL')
  }

  /** SIGINT */
  interrupt(): void {
    this.#signal('SIGINT')
  }

  /** Lets go of the process; other methods throw ValueError from then on. @throws ValueError while it runs */
  close(): void {
    if (this.#isClosed) return
    if (this.#role instanceof Started && this.#role.isAlive()) {
      throw new ValueError(`cannot close ${this.#name} while it runs: join or terminate it first`)
    }
    this.#isClosed = true
    this.#work = undefined
  }

  get name(): string {
    return this.#name
  }

  set name(value: string) {
    this.#name = checkString('name', value)
    this.#role?.setName?.(value)
  }

  get daemon(): boolean {
    return this.#daemon
  }

  /** @throws ValueError once started */
  set daemon(value: boolean) {
    if (this.#role !== undefined) throw new ValueError(`cannot make ${this.#name} a daemon or none: it has started`)
    this.#daemon = Boolean(value)
  }

  /** The key that connections of the family prove; children get it. 32 random bytes, unless set. */
  get authkey(): Uint8Array {
    return this.#authkey
  }

  set authkey(value: Uint8Array) {
    if (!(value instanceof Uint8Array)) throw new TypeError(`authkey must be a Uint8Array, got ${describe(value)}`)
    this.#authkey = value
    this.#role?.setAuthkey?.(value)
  }

  /** null before `start()`. */
  get pid(): number | null {
    this.#checkOpen()
    return this.#role?.pid ?? null
  }

  /** null while running; the exit status; or -N when signal N ended it. An uncaught error makes it 1. */
  get exitcode(): number | null {
    this.#checkOpen()
    return this.#role?.exitcode ?? null
  }

  /** Ready, for `wait`, once the child has ended. @throws ValueError before `start()` */
  get sentinel(): Waitable {
    const child = this.#child('wait for')
    return { [waitable]: child }
  }

  /** Terminates it if it still runs, and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed || !(this.#role instanceof Started)) return
    this.terminate()
    await this.#role.join(Number.POSITIVE_INFINITY, undefined)
    this.close()
  }

  #signal(signal: NodeJS.Signals): void {
    this.#checkOpen()
    if (this.#role === undefined) throw new ValueError(`cannot send ${signal} to ${this.#name}: it has not started`)
    this.#role.kill(signal)
  }

  #child(action: string): Started {
    this.#checkOpen()
    if (this.#role === undefined) throw new ValueError(`cannot ${action} ${this.#name}: it has not started`)
    if (!(this.#role instanceof Started)) {
      throw new ValueError(`cannot ${action} ${this.#name}: it is not a child of this process`)
    }
    return this.#role
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ValueError(`${this.#name} is closed`)
  }
}

inspectAs<Process>(Process, lineOf)

const PROCESS_OPTIONS = optionNames('{ target, args }', 'target', 'args', 'name', 'daemon', 'reserve', 'startTimeout')

function checked<A extends unknown[]>(options: ProcessOptions<A>): ProcessOptions<A> {
  checkOptions(options, PROCESS_OPTIONS)
  const { target, args, name, daemon, reserve, startTimeout } = options
  if (target !== undefined) checkTarget(target, 'target')
  if (args !== undefined) checkArray('args', args)
  if (name !== undefined) checkString('name', name)
  if (daemon !== undefined) checkBoolean('daemon', daemon)
  if (reserve !== undefined) checkInteger('reserve', reserve, 0)
  if (startTimeout !== undefined) checkDuration('startTimeout', startTimeout)
  return options
}

/** The children of this process that still run. */
export function activeChildren(): Process[] {
  return runningObjects().filter(object => object instanceof Process)
}
