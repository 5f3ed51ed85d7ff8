/**
 * The reserve: processes or threads of this one that are started and idle. Each is blocked until it gets work. A member that was
 * started in other circumstances than the present ones (environment, working directory, Node's options) is never used, so a start
 * has the same effect whether or not it uses the reserve.
 */

import { readFileSync } from 'node:fs'
import { currentFamily } from '../ground/family.ts' // lazy
import type { Member, StartMethod } from '../ground/members/platform.ts'
import { inheritedExecArgv } from '../ground/os/inherited-options.ts'
import { currentDirectory } from '../ground/os/started.ts'
import { monotonicMs, setTimeout } from '../ground/os/time.ts'
import { ProcessMember } from '../ground/start-process.ts'
import { ThreadMember } from '../ground/start-thread.ts'
import { type Given, giveWork } from '../ground/work.ts'
import { usualStartTimeout } from './deadline.ts'
import { mainOf } from './state.ts'

/** @param given the work; null if it will be given later */
export function createMember(method: StartMethod, given: Given | null): Member {
  const family = currentFamily(method)
  return method === 'spawn'
    ? new ProcessMember(family, mainOf(method), given)
    : new ThreadMember(family, mainOf(method), given)
}

/** The reserve is refilled this many milliseconds after a start: by then, the member that was taken has begun to run. */
const REFILL_MS = 30

interface Idle {
  readonly member: Member
  readonly circumstances: string
  /** When the member must have reported, on the clock of monotonicMs. */
  readonly due: number
}

class Reserve {
  readonly #method: StartMethod
  #idle: Idle[] = []
  #size = 0
  #isDue = false

  constructor(method: StartMethod) {
    this.#method = method
  }

  /** Returns a member that runs what is prepared, if one is ready. @throws MultiprocessError if there is no memory for it */
  take(given: Given): Member | undefined {
    this.#discardStale()
    const member = this.#idle.shift()?.member
    if (member === undefined) return undefined
    try {
      giveWork(currentFamily(this.#method), member.id, given)
    } catch (error) {
      member.kill('SIGKILL')
      throw error
    }
    member.ref()
    return member
  }

  /** Sets the size. Refills a little later, because the process that is being started needs the processors first. */
  keep(size: number): void {
    this.#size = size
    if (this.#isDue) return
    this.#isDue = true
    setTimeout(() => {
      this.#isDue = false
      this.#fill()
    }, REFILL_MS).unref()
  }

  #fill(): void {
    this.#discardStale()
    for (const { member } of this.#idle.splice(this.#size)) member.kill('SIGKILL')
    try {
      while (this.#idle.length < this.#size) this.#add()
    } catch {
      // If the system refuses now, a later start that needs the process gets the error.
    }
  }

  #add(): void {
    const member = createMember(this.#method, null)
    currentFamily(this.#method).titles.setRole('reserve', member.id)
    member.unref()
    const idle: Idle = { member, circumstances: circumstances(this.#method), due: monotonicMs() + usualStartTimeout() }
    this.#idle.push(idle)
    member.onEnd(() => {
      this.#idle = this.#idle.filter(other => other !== idle)
    })
  }

  #discardStale(): void {
    if (this.#idle.length === 0) return
    const now = circumstances(this.#method)
    const { platform, table } = currentFamily(this.#method)
    // Asking whether a member has ended may remove it.
    const isStale = ({ member, circumstances, due }: Idle) =>
      circumstances !== now || (due < monotonicMs() && !table.hasReported(member.id))
    for (const idle of [...this.#idle]) {
      if (!idle.member.hasEnded && isStale(idle)) idle.member.kill('SIGKILL')
    }
    this.#idle = this.#idle.filter(
      idle => !isStale(idle) && !idle.member.hasEnded && platform.isAlive(table, idle.member.id)
    )
  }
}

/** Returns everything that a member has from its parent at its start and that cannot be changed later. */
function circumstances(method: StartMethod): string {
  const umask = method === 'spawn' ? /^Umask:.*/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[0] : undefined
  return JSON.stringify([process.execPath, inheritedExecArgv(), currentDirectory(), umask, process.env])
}

const reserves = new Map<StartMethod, Reserve>()

export function reserveOf(method: StartMethod): Reserve {
  let reserve = reserves.get(method)
  if (reserve === undefined) {
    reserve = new Reserve(method)
    reserves.set(method, reserve)
  }
  return reserve
}
