/** Waiting for several objects at once: Python's `multiprocessing.connection.wait`. */

import { describe } from '../checks.ts'
import { currentFamily, type Family } from '../ground/family.ts' // lazy
import { isDebug } from '../ground/os/debug-mode.ts'
import { pollDescriptors } from '../ground/os/sockets.ts' // lazy
import { system } from '../ground/os/system.ts'
import { clearTimeout, monotonicMs, setTimeout } from '../ground/os/time.ts'
import { type Waitable, type WaitOptions, waitable } from '../ground/waitable.ts'
import type { SocketSource } from '../socket/waiting.ts'
import { type WaitWord, waitOptions } from '../sync/waiting.ts'

/** What an object in shared memory has at `waitable`: a word that changes when the object becomes ready. */
interface Word {
  readonly family: Family
  readonly word: WaitWord
  isReady(): boolean
}

/** What a socket has there: an event after each change. */
interface Stream {
  readonly source: SocketSource
  isReady(): boolean
}

/** What a process has there: an event when it has ended. */
interface Member {
  readonly name: string
  readonly pid: number
  isAlive(): boolean
  onEnd(listener: () => void): () => void
  /** Returns a descriptor that is readable when the process has ended; -1 if there is none. */
  openEnd(): number
  /** Makes the process keep this process alive from now on. */
  ref(): void
  unref(): void
}

type Target = Word | Stream | Member

/** A blocked thread checks a process without a descriptor this often, in milliseconds. */
const LOOK_EVERY_MS = 20
/** A death may swallow a wake-up; the waiter checks by itself after this many milliseconds. */
const SLICE_MS = 500

/**
 * Waits until one of the objects is ready: a connection that has a message or has ended, a listener with a waiting connection, a
 * queue with an item, an event that is set, or the `sentinel` of a process that has ended. See Python's
 * `multiprocessing.connection.wait`.
 * @param options.timeout milliseconds. Default: Infinity
 * @returns all objects that are ready, in their order; [] if the timeout expires first. Without objects, it waits for the timeout
 * or the signal; without these, it returns [] at once, because nothing could end the wait
 * @throws TypeError for an object that cannot be waited for; the signal's reason if the signal is aborted
 * @example
 * import { Pipe, Queue, wait } from 'multiprocess'
 *
 * const [here, there] = Pipe<string>()
 * const queue = new Queue<string>()
 * await here.send('a message')
 * const ready = await wait([there, queue], { timeout: 10_000 })
 * console.log(ready[0] === there) // true
 */
export async function wait<T extends Waitable>(objects: Iterable<T>, options?: WaitOptions): Promise<T[]> {
  const { timeout, signal } = waitOptions(options)
  signal?.throwIfAborted()
  const all = [...objects]
  const targets = all.map(targetOf)
  const end = monotonicMs() + timeout
  const isVain = targets.length === 0 && timeout === Number.POSITIVE_INFINITY && signal === undefined
  let leave: (() => void) | undefined
  try {
    for (let hasSlept = false; ; hasSlept = true) {
      const seen = look(targets)
      const left = end - monotonicMs()
      if (isVain || targets.some(isReady) || left <= 0) return readyOf(all, targets, hasSlept)
      leave ??= tell(targets, false)
      await change(targets, seen, Math.min(left, SLICE_MS), signal)
    }
  } finally {
    leave?.()
  }
}

/**
 * Does the same as `wait`, and blocks the thread.
 * @example
 * import { Event, waitSync } from 'multiprocess'
 *
 * const event = new Event()
 * event.set()
 * console.log(waitSync([event]).length) // 1
 */
export function waitSync<T extends Waitable>(objects: Iterable<T>, options?: { timeout?: number }): T[] {
  const { timeout } = waitOptions(options)
  const all = [...objects]
  const targets = all.map(targetOf)
  const end = monotonicMs() + timeout
  const isVain = targets.length === 0 && timeout === Number.POSITIVE_INFINITY
  const ends = targets.flatMap(target => ('onEnd' in target ? [target.openEnd()] : []))
  const longest = ends.includes(-1) ? LOOK_EVERY_MS : SLICE_MS
  const sources = targets.flatMap(target => ('source' in target ? [target.source] : []))
  const families = new Set(targets.flatMap(target => ('word' in target ? [target.family] : [])))
  let leave: (() => void) | undefined
  try {
    for (let hasSlept = false; ; hasSlept = true) {
      const seen = look(targets)
      for (const source of sources) source.pump()
      if (hasSlept && !targets.some(isReady)) for (const family of families) family.countOutUnnoticed()
      const left = end - monotonicMs()
      if (isVain || targets.some(isReady) || left <= 0) return readyOf(all, targets, hasSlept)
      leave ??= tell(targets, true)
      block(
        targets,
        ends.filter(fd => fd >= 0),
        seen,
        Math.min(left, longest)
      )
    }
  } finally {
    leave?.()
    for (const fd of ends) if (fd >= 0) system().close(fd)
  }
}

/** Records the wait for reports, until the returned function is called. */
function tell(targets: readonly Target[], isBlocking: boolean): (() => void) | undefined {
  if (!isDebug) return undefined
  const { waits } = targets.find(target => 'word' in target)?.family ?? currentFamily()
  const subjects = targets.map(target => {
    if ('word' in target) return target.word.subject
    return 'source' in target ? 'for a socket' : `for ${target.name} (${target.pid}) to end`
  })
  return waits?.begin(
    subjects.length === 1 ? `${subjects[0]}` : `for one of these: ${subjects.join(' | ')}`,
    isBlocking
  )
}

function look(targets: readonly Target[]): number[] {
  return targets.map(target => ('word' in target ? target.word.load() : 0))
}

function readyOf<T>(all: readonly T[], targets: readonly Target[], hasSlept: boolean): T[] {
  return all.filter((_, i) => {
    const target = targets[i]
    if (!isReady(target)) return false
    // The wake-up may have been meant for a process that takes what is there; this thread only looks.
    if (hasSlept && 'word' in target) target.word.wake(1)
    return true
  })
}

/** Blocks the thread until something may have changed. @param ends descriptors of the ends of processes */
function block(targets: readonly Target[], ends: readonly number[], seen: readonly number[], timeout: number): void {
  const descriptors = [
    ...ends.map(fd => ({ fd })),
    ...targets.flatMap(target => ('source' in target ? target.source.descriptors() : []))
  ]
  const family = targets.find(target => 'word' in target)?.family
  if (family === undefined) {
    pollDescriptors(descriptors, timeout)
    return
  }
  const over = new AbortController()
  targets.forEach((target, i) => {
    if ('word' in target) target.word.sleep(seen[i], over.signal).catch(() => {})
  })
  family.loop.block(look(targets).some((word, i) => word !== seen[i]) ? 0 : timeout, descriptors)
  over.abort()
}

function targetOf(object: Waitable): Target {
  const target = (object as Waitable | null | undefined)?.[waitable] as Partial<Word & Stream & Member> | undefined
  if (target?.word === undefined && target?.source === undefined && target?.onEnd === undefined) {
    throw new TypeError(
      `cannot wait for ${describe(object)}: wait for connections, listeners, queues, events and sentinels of processes`
    )
  }
  return target as Target
}

function isReady(target: Target): boolean {
  return 'onEnd' in target ? !target.isAlive() : target.isReady()
}

/** Resolves once something may have changed. */
async function change(
  targets: readonly Target[],
  seen: readonly number[],
  timeout: number,
  signal: AbortSignal | undefined
): Promise<void> {
  const over = new AbortController()
  let onAbort = () => {}
  const leaves: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(resolve, timeout)
      onAbort = () => reject(signal?.reason)
      signal?.addEventListener('abort', onAbort)
      targets.forEach((target, i) => {
        if ('word' in target) {
          target.word.sleep(seen[i], over.signal).then(resolve, () => {})
        } else if ('source' in target) {
          const { source } = target
          source.ref()
          const leave = source.onChange(resolve)
          leaves.push(() => {
            leave()
            source.unref()
          })
        } else {
          target.ref()
          const leave = target.onEnd(resolve)
          leaves.push(() => {
            leave()
            target.unref()
          })
        }
      })
    })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    over.abort()
    for (const leave of leaves) leave()
  }
}
