/** Starts a process, and represents a started one. */
import { encode, encodeHeld, runAll } from '../codec/encode.ts' // lazy
import { entries } from '../codec/references/entries.ts'
import { isImporting } from '../codec/references/imports.ts'
import { type ProcessError, ValueError } from '../errors.ts'
import type { ProcessRole } from '../ground/arena/titles.ts'
import { currentFamily } from '../ground/family.ts' // lazy
import type { Member, StartMethod } from '../ground/members/platform.ts'
import { ownPid } from '../ground/members/self.ts'
import { monotonicMs } from '../ground/os/time.ts'
import { startTimer } from '../ground/os/timer.ts'
import { addOwnerNamer } from '../ground/owner-names.ts'
import { Deadline } from './deadline.ts'
import { tell } from './events.ts'
import { joinMessages, type Load, type Preparation } from './preparation.ts'
import { createMember, reserveOf } from './reserve.ts'
import type { Role } from './role.ts'
import { currentIdentity, isBooting, logSettings } from './state.ts'
import './sending.ts'

/** A function may start itself in a child to this depth; a module that does so when it is imported must end somewhere. */
const MAX_DEPTH = 16

export interface Plan {
  /** The Process object, for `activeChildren`. */
  readonly object: object
  readonly method: StartMethod
  readonly name: string
  readonly path: readonly number[]
  readonly isDaemon: boolean
  readonly isPoolWorker: boolean
  /** The role that observers outside the family see. Default: `process`. */
  readonly role?: ProcessRole
  readonly authkey: Uint8Array
  /** The size of the reserve. Default: the process is not taken from the reserve, and the reserve is left alone. */
  readonly reserve?: number
  /** The milliseconds that the child has to report; Infinity if its starter checks that. */
  readonly startTimeout: number
  readonly load: Load
}

const running = new Map<Started, object>()

/** Returns the Process objects of the children that still run. */
export function runningObjects(): object[] {
  return [...running].filter(([started]) => started.isAlive()).map(([, object]) => object)
}

addOwnerNamer(({ platform }, owner) => {
  for (const child of running.keys()) if (child.isMember(platform.method, owner)) return child.name
  return undefined
})

/** Starts a process. @throws the errors of `Process.start` */
export function start(plan: Plan): Started {
  const identity = currentIdentity()
  if (isImporting() || isBooting()) {
    throw new ValueError(
      'cannot start a process while a child imports its modules, or the same import would start processes without end. ' +
        'Start processes in a function, or only if isMainProcess'
    )
  }
  if (!identity.mayStart) {
    throw new ValueError(`cannot start a process in ${identity.name}: a daemon may not have children`)
  }
  if (plan.path.length > MAX_DEPTH) {
    throw new ValueError(
      `cannot start ${plan.name}: processes are nested ${MAX_DEPTH} deep already. ` +
        'A module that starts one when it is imported does so again in each; ask isMainProcess there'
    )
  }
  const preparation: Omit<Preparation, 'parcel'> = {
    identity: {
      name: plan.name,
      path: plan.path,
      isDaemon: plan.isDaemon,
      mayStart: !plan.isDaemon || plan.isPoolWorker,
      authkey: plan.authkey,
      parent: { name: identity.name, pid: ownPid() }
    },
    argv: process.argv,
    entries: entries(),
    logging: logSettings.isPrinted || logSettings.level !== 30 ? { ...logSettings } : null
  }
  const isProcess = plan.method === 'spawn'
  const load = encodeHeld(plan.load, plan.name, {
    sharesBuffers: isProcess ? 'no' : 'held',
    allowsLarge: isProcess
  })
  try {
    const parcel = load.parcel?.in(currentFamily(plan.method)) ?? 0
    const message = joinMessages(encode({ ...preparation, parcel }), load.bytes)
    const reserve = plan.reserve === undefined ? undefined : reserveOf(plan.method)
    const given = { preparation: message, behind: load.large, parcel }
    const member = reserve?.take(given) ?? createMember(plan.method, given)
    const { titles } = currentFamily(plan.method)
    titles.setName(plan.name, member.id)
    titles.setRole(plan.role ?? 'process', member.id)
    reserve?.keep(plan.reserve as number)
    load.parcel?.drop()
    member.onEnd(() => runAll(load.releases))
    return new Started(plan, member)
  } catch (error) {
    runAll(load.releases)
    throw error
  }
}

export class Started implements Role {
  readonly name: string
  readonly daemon: boolean
  readonly #child: Member
  readonly #method: StartMethod
  readonly #deadline: Deadline
  #knownExitcode: number | null = null
  /** How many callers wait for the end, and so get the error of a late start. */
  #joins = 0

  constructor(plan: Plan, child: Member) {
    this.name = plan.name
    this.daemon = plan.isDaemon
    this.#child = child
    this.#method = plan.method
    running.set(this, plan.object)
    const family = currentFamily(plan.method)
    // No closure here may keep the plan, which has the target and its arguments.
    const { isPoolWorker } = plan
    this.#deadline = new Deadline({ family, child, name: plan.name }, plan.startTimeout, ({ message, code }) => {
      if (this.#joins === 0 && !isPoolWorker) process.emitWarning(message, { type: 'MultiprocessWarning', code })
    })
    const message = () => ({ name: this.name, pid: child.pid, daemon: this.daemon })
    tell('processStart', message)
    child.onEnd(exitcode => {
      running.delete(this)
      this.#knownExitcode = exitcode
      tell('processExit', () => ({ ...message(), exitcode }))
    })
    if (this.daemon) {
      child.unref()
      endDaemonsAtExit()
    }
  }

  get id(): number {
    return this.#child.id
  }

  /** Returns true if this is the member with this id in the family of this start method. */
  isMember(method: StartMethod, id: number): boolean {
    return this.#method === method && this.id === id
  }

  get pid(): number {
    return this.#child.pid
  }

  get exitcode(): number | null {
    return this.#child.exitcode
  }

  /** The exit code; null until this process has noticed the end. Unlike `exitcode`, it does not ask the kernel. */
  get knownExitcode(): number | null {
    return this.#knownExitcode
  }

  isAlive(): boolean {
    return !this.#child.hasEnded
  }

  /** The reason why the child could not start, as far as is known. */
  get startFailure(): unknown {
    return this.#child.startFailure
  }

  /** The reason why the child was killed before it ran anything; undefined if it was not. */
  get startError(): ProcessError | undefined {
    return this.#deadline.error
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Adds a listener for the end. @returns a function that removes the listener */
  onEnd(listener: (exitcode: number) => void): () => void {
    return this.#child.onEnd(listener)
  }

  /** Makes the child keep this process alive while it runs, even if it is a daemon; each `unref()` takes back one `ref()`. */
  ref(): void {
    this.#child.ref()
  }

  unref(): void {
    this.#child.unref()
  }

  /** See `Member.openEnd`. */
  openEnd(): number {
    return this.#child.openEnd()
  }

  joinSync(timeout: number): boolean {
    if (timeout === 0 || !this.isAlive()) return this.#child.waitSync(timeout)
    const told = this.#tell(true)
    const leave = this.#join(true)
    this.#joins++
    try {
      const end = monotonicMs() + timeout
      for (;;) {
        const left = Math.max(0, end - monotonicMs())
        const untilLate = this.#deadline.left
        if (this.#child.waitSync(Math.min(left, untilLate))) return true
        if (left <= untilLate) return false
        this.#deadline.check()
      }
    } finally {
      this.#joins--
      leave()
      told?.()
    }
  }

  join(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      // The end may be visible before the exit status is known.
      if (this.exitcode !== null) return resolve(true)
      if (timeout === 0) return resolve(!this.isAlive())
      const told = this.#tell(false)
      const leaveTitle = this.#join(false)
      this.#joins++
      let isOver = false
      let leave: (() => void) | undefined
      const end = (answer: () => void) => {
        if (isOver) return
        isOver = true
        this.#joins--
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
        leave?.()
        told?.()
        leaveTitle()
        this.#child.unref()
        answer()
      }
      const stopTimer = startTimer(() => end(() => resolve(!this.isAlive())), timeout)
      const onAbort = () => end(() => reject(signal?.reason))
      signal?.addEventListener('abort', onAbort)
      this.#child.ref()
      leave = this.#child.onEnd(() => end(() => resolve(true)))
    })
  }

  /** Records the wait for reports, until the returned function is called. */
  #tell(isBlocking: boolean): (() => void) | undefined {
    return currentFamily(this.#method).waits?.begin(`for ${this.name} (${this.pid}) to end`, isBlocking)
  }

  /** Records the wait for observers outside the family, until the returned function is called. */
  #join(isBlocking: boolean): () => void {
    return currentFamily(this.#method).titles.join(this.id, isBlocking)
  }

  describe(): string {
    const exitcode = this.#knownExitcode
    const state = exitcode === null ? 'started' : `stopped, exitcode ${exitcode}`
    return `${this.#method === 'thread' ? 'thread' : 'pid'} ${this.pid}, ${state}`
  }
}

let isArmed = false

/** Daemons get SIGTERM when this process ends by itself; if it ends in another way, the kernel kills them. */
function endDaemonsAtExit(): void {
  if (isArmed) return
  isArmed = true
  process.once('exit', () => {
    for (const child of running.keys()) if (child.daemon) child.kill('SIGTERM')
  })
}
