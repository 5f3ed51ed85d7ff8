/**
 * The platform of threads: one SharedArrayBuffer, `Atomics.wait` for sleeping, `Atomics.waitAsync` for a bell. It needs nothing
 * native, and runs wherever Node does. Freed memory stays with the program until the program ends, because a SharedArrayBuffer
 * cannot free a part of its memory; parts that were never touched take none.
 */
import type { Backing } from '../arena/memory.ts'
import type { OwnerId, ProcessTable } from '../arena/process-table.ts'
import { queueMicrotask, setInterval } from '../os/time.ts'
import type { Bell, Bells, Platform } from './platform.ts'

export const THREAD_ARENA_BYTES = 2 ** 32

export class ThreadPlatform implements Platform {
  readonly method = 'thread'
  readonly buffer: SharedArrayBuffer
  readonly backing: Backing

  /** @param buffer the inherited arena; a new one by default */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(THREAD_ARENA_BYTES)) {
    this.buffer = buffer
    this.backing = bufferBacking(buffer)
  }

  bells(table: ProcessTable): Bells {
    return new AtomicsBells(table, this.buffer)
  }

  register(table: ProcessTable, self: OwnerId): void {
    table.setProcess(self, process.getBuiltinModule('node:worker_threads').threadId, 1)
  }

  /**
   * Returns true if the thread lives. A thread counts as dead once the event loop of its parent has noticed its end and freed its
   * slot. A stopped thread may have ended in a section under a lock that its blocked parent waits for: it also counts as dead
   * once it must have come to a halt.
   */
  isAlive(table: ProcessTable, id: OwnerId): boolean {
    return (table.isLive(id) || table.isStarting(id)) && !table.isStopped(id)
  }
}

function bufferBacking(buffer: SharedArrayBuffer): Backing {
  const words = new Int32Array(buffer)
  return {
    length: buffer.byteLength,
    map: offset => ({ buffer, start: offset, address: offset }),
    unmap() {},
    wait(address, expected, timeout) {
      const result = Atomics.wait(words, address / 4, expected, timeout)
      return result === 'ok' ? 'woken' : result === 'not-equal' ? 'changed' : 'timed-out'
    },
    wake: (address, count) => Atomics.notify(words, address / 4, count),
    discard() {}
  }
}

/** The bells of threads: a thread with a bell waits, in its event loop, until its word ASLEEP is notified. */
class AtomicsBells implements Bells {
  readonly #table: ProcessTable
  readonly #words: Int32Array

  constructor(table: ProcessTable, buffer: SharedArrayBuffer) {
    this.#table = table
    this.#words = new Int32Array(buffer)
  }

  open(self: OwnerId, onRing: () => void): Bell {
    const word = this.#table.bellWord(self)
    const listen = (): void => {
      const seen = Atomics.load(this.#words, word)
      const { async, value } = Atomics.waitAsync(this.#words, word, seen)
      const rung = () => {
        listen()
        onRing()
      }
      if (async) value.then(rung)
      else queueMicrotask(rung)
    }
    listen()
    // The wait itself does not keep an event loop alive; a timer that never fires does.
    const keeper = setInterval(() => {}, 2 ** 30)
    keeper.unref()
    return { ref: () => void keeper.ref(), unref: () => void keeper.unref() }
  }

  ring(owner: OwnerId): boolean {
    const word = this.#table.bellWord(owner)
    Atomics.add(this.#words, word, 1)
    Atomics.notify(this.#words, word, 1)
    return true
  }

  descriptor(): number {
    return -1
  }

  forget(): void {}
}
