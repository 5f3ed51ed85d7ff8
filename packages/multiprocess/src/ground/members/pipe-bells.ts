/**
 * Doorbells of processes: a pipe that the owner's event loop reads, and that others open through /proc/PID/fd. A doorbell has no
 * file on disk, and the kernel removes it with its owner. `EventLoop` decides who rings, and when.
 */
import { fstatSync } from 'node:fs'
import type { Socket } from 'node:net'
import { type OwnerId, type ProcessTable, slotOf } from '../arena/process-table.ts'
import { system, systemError } from '../os/system.ts'
import type { Bell, Bells } from './platform.ts'

const O_WRONLY = 1
const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000

const EINTR = 4
const ENOMEM = 12
const ENFILE = 23
const EMFILE = 24
/** Errors that may soon be over. */
const SHORTAGES = [EINTR, ENOMEM, ENFILE, EMFILE]

const NOBODY = -1
const UNREACHABLE = -2

const ONE = new Uint8Array(1)

/** Returns the low bits of the number that all descriptors of one pipe share, and no other pipe has. */
function pipeNumber(fd: number): number {
  const stats = fstatSync(fd, { bigint: true })
  return stats.isFIFO() ? Number(stats.ino & (2n ** 31n - 1n)) : -1
}

class PipeBell implements Bell {
  /** The descriptor of the reading end. */
  readonly descriptor: number
  readonly #socket: Socket

  constructor(table: ProcessTable, self: OwnerId, onRing: () => void) {
    const fds = new Int32Array(2)
    // Both ends are non-blocking: a bell that has rung often enough to fill the pipe needs no more ringing.
    if (system().pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) throw systemError('pipe2')
    const buffer = Buffer.allocUnsafe(4096)
    const callback = () => {
      onRing()
      return true
    }
    const options = {
      fd: fds[0],
      readable: true,
      writable: false,
      onread: { buffer, callback }
    }
    this.#socket = new (process.getBuiltinModule('node:net').Socket)(options)
    this.#socket.unref()
    this.#socket.resume()
    this.descriptor = fds[0]
    // The writing end stays open in this process, or the death of the last ringer would end the stream. Others open this end,
    // too. A thread's writing end outlives its event loop, so that its number names no other file as long as others know it.
    table.setBell(self, fds[1], pipeNumber(fds[1]))
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }
}

export class PipeBells implements Bells {
  readonly #table: ProcessTable
  readonly #keeps: boolean
  #own = -1
  readonly #others = new Map<number, { owner: OwnerId; fd: number }>()

  /** @param keeps true to keep the bells of others open; a thread, which may be stopped, could not close them */
  constructor(table: ProcessTable, keeps = true) {
    this.#table = table
    this.#keeps = keeps
  }

  open(self: OwnerId, onRing: () => void): Bell {
    const bell = new PipeBell(this.#table, self, onRing)
    this.#own = bell.descriptor
    return bell
  }

  ring(owner: OwnerId): boolean {
    const fd = this.#descriptor(owner)
    if (fd >= 0) system().write(fd, ONE, 1)
    if (fd >= 0 && !this.#keeps) system().close(fd)
    return fd !== UNREACHABLE
  }

  descriptor(): number {
    return this.#own
  }

  #descriptor(owner: OwnerId): number {
    const known = this.#others.get(slotOf(owner))
    if (known?.owner === owner) return known.fd
    if (known !== undefined) this.forget(known.owner)
    const bell = this.#table.bell(owner)
    if (bell < 0) return NOBODY
    const { open, errno } = system()
    const fd = open(`/proc/${this.#table.pid(owner)}/fd/${bell}`, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    // Without the right to open the bell, or without /proc, its owner checks by itself: see LISTEN_MS of the event loop.
    if (fd < 0) return SHORTAGES.includes(errno()) ? UNREACHABLE : NOBODY
    // The owner may be gone, another process may have its pid, and another file the descriptor's number.
    if (this.#table.bell(owner) !== bell || this.#table.bellPipe(owner) !== pipeNumber(fd)) {
      system().close(fd)
      return NOBODY
    }
    if (this.#keeps) this.#others.set(slotOf(owner), { owner, fd })
    return fd
  }

  forget(owner: OwnerId): void {
    const known = this.#others.get(slotOf(owner))
    if (known?.owner !== owner) return
    this.#others.delete(slotOf(owner))
    system().close(known.fd)
  }
}
