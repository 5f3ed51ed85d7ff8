/** Python's `multiprocessing.Process`. */

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

/** The options of a process, whatever its target is. */
interface ProcessSettings<A extends unknown[]> {
  /** The function that the child runs. The child ends once the function is done and nothing else keeps its event loop alive. */
  target?: Target<A>
  /** The name. Default: `Process-1`, or `Process-1:2` for a child's child, … */
  name?: string
  /**
   * True for a daemon: it ends when its parent ends, does not keep the parent alive, and may not start children. Default: as this
   * process.
   */
  daemon?: boolean
  /**
   * Takes a started, idle process from the reserve of this program, if one is ready, and keeps this many ready for the next starts, which
   * then take a small part of the time. The reserve does not keep the program alive, and ends with it. Each idle process has the memory of
   * a Node. With 0, the reserve ends. Default: starts a new process, and leaves the reserve alone.
   */
  reserve?: number
  /**
   * The milliseconds that the child has from its start until its Node has loaded this library. A child that is late is killed,
   * and `join()` rejects with `ERR_WORKER_START`. Default: 30,000, times the load of each processor if that is above 1.
   */
  startTimeout?: number
}

/** The arguments of a target that needs none. */
interface OptionalArgs<A extends unknown[]> {
  /** The arguments of `target`. Default: []. */
  args?: A
}

/** The arguments of a target that needs some. */
interface RequiredArgs<A extends unknown[]> {
  /** The arguments of `target`. */
  args: A
}

/**
 * The options of a process whose target takes the arguments `A`. Code that leaves out arguments which the target needs does not
 * compile.
 */
export type ProcessOptions<A extends unknown[]> = ProcessSettings<A> &
  ([] extends A ? OptionalArgs<A> : RequiredArgs<A>)

const roles = new Handed<Role>()

let lineOf: (process: Process) => string

/**
 * Returns a Process for a process that no Process object started: the current process, or its parent. The constructor of
 * `subclass` does not run.
 */
export function processInRole(role: Role, subclass: typeof Process): Process {
  return roles.during(role, () => Reflect.construct(Process, [], subclass))
}

/**
 * A child process that runs `target(...args)`, or an overriding `run()`. See Python's `multiprocessing.Process`.
 *
 * A process that is not a daemon keeps its parent's event loop alive while it runs, so a program ends after its children
 * (Python's parent joins them at its exit). `process.exit()` ends them at once.
 * @example
 * import { Process } from 'multiprocess'
 *
 * const child = new Process({ target: (name: string) => console.log(`hello ${name}`), args: ['Ada'] })
 * child.start()
 * await child.join()
 * console.log(child.exitcode) // 0
 */
export class Process<A extends unknown[] = never[]> implements AsyncDisposable {
  /** The start method of the instances. */
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

  /** @throws TypeError for an option of the wrong type, and for an unknown option */
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

  /** Runs in the child. Calls the target; a subclass may override it instead of passing a target. */
  run(): Awaitable<unknown> {
    const { target, args } = this.#work ?? {}
    return typeof target === 'function' ? (target as (...args: unknown[]) => unknown)(...(args ?? [])) : undefined
  }

  /**
   * Starts the child, and returns at once.
   * @throws SerializationError if the target or its arguments cannot cross
   * @throws ValueError if the process was already started, in a daemon, and while a child still imports its modules
   * @throws ProcessError if the system refuses another process
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
    // The child has its own copy, so an object that only the target keeps alive here can be collected.
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
   * Resolves to true once the child has ended, or to false if the timeout expires first. Rejects with the signal's reason if the
   * signal is aborted, and with `ERR_WORKER_START` if the child did not report in time (`startTimeout`).
   * @param options.timeout milliseconds. Default: Infinity
   * @throws ValueError before `start()`, and for a process that is not a child of this one
   */
  async join(options: WaitOptions = {}): Promise<boolean> {
    const child = this.#child('join')
    const hasEnded = await child.join(timeoutOf(options), options.signal)
    if (child.startError !== undefined) throw child.startError
    return hasEnded
  }

  /** Does the same as `join`, and blocks the thread. */
  joinSync(options: { timeout?: number } = {}): boolean {
    const child = this.#child('join')
    const hasEnded = child.joinSync(timeoutOf(options))
    if (child.startError !== undefined) throw child.startError
    return hasEnded
  }

  /** Returns true while the process runs. */
  isAlive(): boolean {
    this.#checkOpen()
    return this.#role?.isAlive() ?? false
  }

  /** Sends SIGTERM to the process. Does nothing if it has ended. */
  terminate(): void {
    this.#signal('SIGTERM')
  }

  /** Sends SIGKILL to the process. Does nothing if it has ended. */
  kill(): void {
    this.#signal('SIGKILL')
  }

  /** Sends SIGINT to the process. Does nothing if it has ended. */
  interrupt(): void {
    this.#signal('SIGINT')
  }

  /**
   * Releases the resources of this object; most of its methods throw ValueError from then on. @throws ValueError while the
   * process runs
   */
  close(): void {
    if (this.#isClosed) return
    if (this.#role instanceof Started && this.#role.isAlive()) {
      throw new ValueError(`cannot close ${this.#name} while it runs: join or terminate it first`)
    }
    this.#isClosed = true
    this.#work = undefined
  }

  /** The name of the process. It may be changed at any time, and need not be unique. */
  get name(): string {
    return this.#name
  }

  set name(value: string) {
    this.#name = checkString('name', value)
    this.#role?.setName?.(value)
  }

  /** True if the process is a daemon. It can be set until the process is started. */
  get daemon(): boolean {
    return this.#daemon
  }

  /** @throws ValueError once the process is started */
  set daemon(value: boolean) {
    if (this.#role !== undefined)
      throw new ValueError(`cannot set daemon on ${this.#name}: it has already been started`)
    this.#daemon = Boolean(value)
  }

  /** The key by which connections of the family authenticate; children inherit it. Default: 32 random bytes. */
  get authkey(): Uint8Array {
    return this.#authkey
  }

  set authkey(value: Uint8Array) {
    if (!(value instanceof Uint8Array)) throw new TypeError(`authkey must be a Uint8Array, got ${describe(value)}`)
    this.#authkey = value
    this.#role?.setAuthkey?.(value)
  }

  /** The pid; of a thread, its `threadId`. null before `start()`. */
  get pid(): number | null {
    this.#checkOpen()
    return this.#role?.pid ?? null
  }

  /** The exit status, or -N if signal N ended the process; null while it runs. An uncaught error makes it 1. */
  get exitcode(): number | null {
    this.#checkOpen()
    return this.#role?.exitcode ?? null
  }

  /** An object for `wait`, ready once the child has ended. @throws ValueError before `start()` */
  get sentinel(): Waitable {
    const child = this.#child('wait for')
    return { [waitable]: child }
  }

  /** Terminates the process if it still runs, and waits for its end. */
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

/**
 * Returns the children of this process that still run. See Python's `multiprocessing.active_children`.
 * @example
 * import { activeChildren, Process } from 'multiprocess'
 *
 * const child = new Process({ target: () => {} })
 * child.start()
 * console.log(activeChildren().some(({ pid }) => pid === child.pid)) // true
 * await child.join()
 */
export function activeChildren(): Process[] {
  return runningObjects().filter(object => object instanceof Process)
}
