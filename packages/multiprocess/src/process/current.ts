/** The current process and its parent, as Process objects. */
import { boundTo } from '../ground/bound-class.ts'
import { currentFamily, openFamily } from '../ground/family.ts' // lazy
import { inherited } from '../ground/members/inheritance.ts'
import { ownPid, signalParent, signalSelf } from '../ground/members/self.ts'
import { isDebug } from '../ground/os/debug-mode.ts'
import { Process, processInRole } from './process.ts'
import type { Role } from './role.ts'
import { currentIdentity, isChild, setIdentity } from './state.ts'
import type { Target } from './target.ts'

/** True in the program's first process. False in its children, even while they load the modules they need. */
export const isMainProcess: boolean = !isChild()

let current: Process | undefined
let parent: Process | null | undefined

/**
 * Returns the Process object of this process; in the program's first process, its name is `MainProcess`. See Python's
 * `multiprocessing.current_process`.
 * @example
 * import { currentProcess } from 'multiprocess'
 *
 * console.log(currentProcess().name) // MainProcess
 */
export function currentProcess(): Process {
  const { name, isDaemon } = currentIdentity()
  current ??= processInRole(itself(name, isDaemon), ownClass())
  return current
}

/** Makes the current process an instance of a subclass of Process, with the fields that were sent. */
export function becomeInstance(
  subclass: typeof Process,
  fields: object,
  target: Target | undefined,
  args: readonly unknown[]
): Process {
  const { name, isDaemon } = currentIdentity()
  current = Object.assign(processInRole({ ...itself(name, isDaemon), work: { target, args } }, subclass), fields)
  return current
}

/**
 * Returns the Process object of the parent; null in the program's first process. See Python's `multiprocessing.parent_process`.
 * @example
 * import { parentProcess } from 'multiprocess'
 *
 * console.log(parentProcess()) // null
 */
export function parentProcess(): Process | null {
  if (parent === undefined) {
    const from = currentIdentity().parent
    parent = from === null ? null : processInRole(other(from.name, from.pid), ownClass())
  }
  return parent
}

/** Returns the class for this process and its parent. A thread and its parent are Processes of the start method `thread`. */
function ownClass(): typeof Process {
  return boundTo(Process, inherited()?.method ?? 'spawn')
}

/** Returns what the numbers of this process and of its parent are: pids, or threadIds. */
function ownPlace(): string {
  return inherited()?.method === 'thread' ? 'thread' : 'pid'
}

function itself(name: string, daemon: boolean): Role {
  return {
    name,
    daemon,
    pid: ownPid(),
    exitcode: null,
    isAlive: () => true,
    kill: signalSelf,
    setName: name => {
      setIdentity({ ...currentIdentity(), name })
      openFamily(inherited()?.method ?? 'spawn')?.titles.setName(name)
      if (isDebug) currentFamily().waits?.setName(name)
    },
    setAuthkey: authkey => setIdentity({ ...currentIdentity(), authkey }),
    describe: () => `${ownPlace()} ${ownPid()}, this process`
  }
}

/** Returns the role of the parent. A child never outlives its parent, so whenever the child asks, the parent runs. */
function other(name: string, pid: number): Role {
  return {
    name,
    daemon: false,
    pid,
    exitcode: null,
    isAlive: () => true,
    kill: signal => signalParent(pid, signal),
    describe: () => `${ownPlace()} ${pid}, the parent`
  }
}
