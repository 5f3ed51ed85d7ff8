/**
 * A child's lifeline: a pipe, created before the child, that carries no data. The child has its reading end, and only its parent
 * has the writing end. When the parent ends, however it ends, the kernel closes the pipe and kills the child: fcntl(2), O_ASYNC.
 * This needs no /proc, no event loop and nothing that the child has loaded. It also works when the parent or the child has become
 * another user, because the permission for the signal is checked as of the moment of `hang`.
 */
import { isMainThread } from 'node:worker_threads' // lazy
import { system } from './os/system.ts'

const F_SETFL = 4
const F_SETOWN = 8
const F_SETSIG = 10
const SIGKILL = 9
const O_ASYNC = 0o20000
const O_CLOEXEC = 0o2000000

export class Lifeline {
  /** The reading end, for the child. */
  readonly end: number
  readonly #own: number

  private constructor(end: number, own: number) {
    this.end = end
    this.#own = own
  }

  /**
   * Returns undefined where there is no lifeline: in a thread, which may be stopped at any time, its descriptors would stay open.
   */
  static open(): Lifeline | undefined {
    if (!isMainThread) return undefined
    const { pipe2, fcntl } = system()
    const fds = new Int32Array(2)
    if (pipe2(fds, O_CLOEXEC) < 0) return undefined
    const [end, own] = fds
    const lifeline = new Lifeline(end, own)
    if (fcntl(end, F_SETSIG, SIGKILL) === 0 && fcntl(end, F_SETFL, O_ASYNC) === 0) return lifeline
    lifeline.release()
    lifeline.cut()
    return undefined
  }

  /** Makes the kernel kill the child, which has been started with the reading end. */
  hang(pid: number): void {
    system().fcntl(this.end, F_SETOWN, pid)
  }

  /** Closes the reading end here: the child has it, or will not have it. */
  release(): void {
    system().close(this.end)
  }

  /** Closes the writing end, after the child has ended: a child that still ran would be killed. */
  cut(): void {
    system().close(this.#own)
  }
}
