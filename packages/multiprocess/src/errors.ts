/**
 * Every error of the public face. Each class has a stable `code`, and a brand through `Symbol.for` with `Symbol.hasInstance`, so that
 * `instanceof` works across two copies of this package, and across processes.
 */

const BRAND = Symbol.for('multiprocess.error')

function isBranded(value: unknown, code: string): boolean {
  const brands = (value as { [BRAND]?: readonly string[] } | null | undefined)?.[BRAND]
  return brands?.includes(code) ?? false
}

function define(errorClass: { prototype: object }, name: string, code: string, parents: readonly string[]): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true })
  Object.defineProperty(errorClass.prototype, BRAND, { value: [code, ...parents] })
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: { prototype: object }, value: unknown) {
      // A subclass written by a user inherits this method; only the classes defined here use their brand.
      return this === errorClass ? isBranded(value, code) : Function.prototype[Symbol.hasInstance].call(this, value)
    }
  })
}

/**
 * The base class of every error of this package.
 * @example
 * import { MultiprocessError, Queue } from 'multiprocess'
 *
 * try {
 *   new Queue().getNowait()
 * } catch (error) {
 *   if (error instanceof MultiprocessError) console.log(error.code) // ERR_EMPTY
 * }
 */
export class MultiprocessError extends Error {
  /** A stable name for the kind of failure, such as `ERR_WORKER_DIED`. */
  readonly code: string

  constructor(message?: string, options?: ErrorOptions & { code?: string }) {
    super(message, options)
    this.code = options?.code ?? 'ERR_MULTIPROCESS'
    // Not writable, because the brand of the class goes with it.
    Object.defineProperty(this, 'code', { enumerable: true, writable: false })
  }
}

/**
 * A failure of processes, threads or connections. Its code is `ERR_PROCESS`, unless a more exact one is given. See Python's `ProcessError`.
 * @example
 * import { BufferTooShort, ProcessError } from 'multiprocess'
 *
 * const error = new BufferTooShort(new Uint8Array(8))
 * console.log(error instanceof ProcessError) // true
 */
export class ProcessError extends MultiprocessError {
  constructor(message?: string, options?: ErrorOptions & { code?: string }) {
    super(message, { code: 'ERR_PROCESS', ...options })
  }
}

/**
 * A wait expired. Its code is `ERR_TIMEOUT`. See Python's `multiprocessing.TimeoutError`.
 * @example
 * import { Pipe, TimeoutError } from 'multiprocess'
 *
 * const [receiver] = Pipe()
 * const error = await receiver.recv({ timeout: 10 }).catch(error => error)
 * console.log(error instanceof TimeoutError) // true
 */
export class TimeoutError extends ProcessError {
  constructor(message = 'the wait ran out', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_TIMEOUT' })
  }
}

/**
 * A received message is longer than the buffer for it. Its code is `ERR_BUFFER_TOO_SHORT`. See Python's `multiprocessing.BufferTooShort`.
 * @example
 * import { BufferTooShort, Pipe } from 'multiprocess'
 *
 * const [receiver, sender] = Pipe()
 * await sender.sendBytes(new Uint8Array(8))
 * const error = await receiver.recvBytesInto(new Uint8Array(4)).catch(error => error)
 * if (error instanceof BufferTooShort) console.log(error.bytes.byteLength) // 8
 */
export class BufferTooShort extends ProcessError {
  /** The bytes of the message. */
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array, message = `the message of ${bytes.byteLength} bytes is longer than the buffer`) {
    super(message, { code: 'ERR_BUFFER_TOO_SHORT' })
    this.bytes = bytes
  }
}

/**
 * Two programs do not have the same key. Its code is `ERR_AUTHENTICATION`. See Python's `multiprocessing.AuthenticationError`.
 * @example
 * import { AuthenticationError, Client, Listener } from 'multiprocess'
 *
 * await using listener = new Listener(undefined, { authkey: 'right' })
 * const accepted = listener.accept().catch(() => {})
 * const error = await Client(listener.address, { authkey: 'wrong' }).catch(error => error)
 * console.log(error instanceof AuthenticationError) // true
 * await accepted
 */
export class AuthenticationError extends ProcessError {
  constructor(message = 'the keys differ', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_AUTHENTICATION' })
  }
}

/**
 * No message is left to receive, and none will be sent. Its code is `ERR_EOF`. See Python's `EOFError`.
 * @example
 * import { EOFError, Pipe } from 'multiprocess'
 *
 * const [receiver, sender] = Pipe()
 * sender.close()
 * const error = await receiver.recv().catch(error => error)
 * console.log(error instanceof EOFError) // true
 */
export class EOFError extends MultiprocessError {
  constructor(message = 'the other end is closed', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_EOF' })
  }
}

/**
 * A queue had no item in time. Its code is `ERR_EMPTY`. See Python's `queue.Empty`.
 * @example
 * import { Empty, Queue } from 'multiprocess'
 *
 * const error = await new Queue().get({ timeout: 10 }).catch(error => error)
 * console.log(error instanceof Empty) // true
 */
export class Empty extends MultiprocessError {
  constructor(message = 'the queue is empty', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_EMPTY' })
  }
}

/**
 * A queue had no room in time. Its code is `ERR_FULL`. See Python's `queue.Full`.
 * @example
 * import { Full, Queue } from 'multiprocess'
 *
 * const queue = new Queue<number>(1)
 * await queue.put(1)
 * const error = await queue.put(2, { timeout: 10 }).catch(error => error)
 * console.log(error instanceof Full) // true
 */
export class Full extends MultiprocessError {
  constructor(message = 'the queue is full', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_FULL' })
  }
}

/**
 * An argument is invalid, or the call comes at the wrong time. Its code is `ERR_VALUE`. See Python's `ValueError`.
 * @example
 * import { Pool, ValueError } from 'multiprocess'
 *
 * try {
 *   new Pool(0)
 * } catch (error) {
 *   console.log(error instanceof ValueError) // true
 * }
 */
export class ValueError extends MultiprocessError {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_VALUE' })
  }
}

/**
 * The barrier was aborted or reset, or a party did not arrive in time. Its code is `ERR_BROKEN_BARRIER`. See Python's
 * `threading.BrokenBarrierError`.
 * @example
 * import { Barrier, BrokenBarrierError } from 'multiprocess'
 *
 * const barrier = new Barrier(2)
 * barrier.abort()
 * const error = await barrier.wait().catch(error => error)
 * console.log(error instanceof BrokenBarrierError) // true
 */
export class BrokenBarrierError extends MultiprocessError {
  constructor(message = 'the barrier is broken', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_BROKEN_BARRIER' })
  }
}

/**
 * The process that held a lock died; the code that gets this error holds the lock now. Its code is `ERR_OWNER_DIED`. See EOWNERDEAD,
 * pthread_mutex_lock(3).
 * @example
 * import { Lock, OwnerDiedError } from 'multiprocess'
 *
 * const lock = new Lock()
 * await lock.acquire().catch(error => {
 *   if (!(error instanceof OwnerDiedError)) throw error
 *   console.log('the last holder died: check what the lock protects')
 * })
 * lock.release()
 */
export class OwnerDiedError extends MultiprocessError {
  constructor(message = 'the process that held the lock died', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_OWNER_DIED' })
  }
}

/**
 * The worker's process died while it ran the task: by a signal, by an exit, or because memory ran out. Its code is `ERR_WORKER_DIED`.
 * @example
 * import { Pool, WorkerDiedError } from 'multiprocess'
 *
 * await using pool = new Pool(1)
 * const error = await pool.apply(() => process.exit(3)).catch(error => error)
 * if (error instanceof WorkerDiedError) console.log(error.exitcode) // 3
 */
export class WorkerDiedError extends MultiprocessError {
  /** The exit status, or -N for signal N, as in `Process.exitcode`. */
  readonly exitcode: number
  /** The pid of the worker; of a thread, its `threadId`. */
  readonly pid: number

  constructor(message: string, details: { exitcode: number; pid: number }, options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_WORKER_DIED' })
    this.exitcode = details.exitcode
    this.pid = details.pid
  }
}

/**
 * The pool was terminated while the task was pending. Its code is `ERR_POOL_TERMINATED`.
 * @example
 * import { Pool, PoolTerminatedError } from 'multiprocess'
 *
 * const pool = new Pool(1)
 * const result = pool.applyAsync(() => new Promise(() => {}))
 * pool.terminate()
 * const error = await result.catch((error: unknown) => error)
 * console.log(error instanceof PoolTerminatedError) // true
 * await pool.join()
 */
export class PoolTerminatedError extends MultiprocessError {
  constructor(message = 'the pool was terminated before the task was done', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_POOL_TERMINATED' })
  }
}

/**
 * A value or a function cannot cross. Its code is `ERR_SERIALIZATION`.
 * @example
 * import { Pipe, SerializationError } from 'multiprocess'
 *
 * const [, sender] = Pipe()
 * const error = await sender.send({ timers: [setImmediate(() => {})] }).catch(error => error)
 * if (error instanceof SerializationError) console.log(error.code) // ERR_SERIALIZATION
 */
export class SerializationError extends MultiprocessError {
  /** The place of the value in the message, such as `args[0].db`. */
  readonly path: string

  constructor(message: string, path = '', options?: ErrorOptions) {
    super(message, { ...options, code: 'ERR_SERIALIZATION' })
    this.path = path
  }
}

const BASE = ['ERR_MULTIPROCESS']
const PROCESS = ['ERR_PROCESS', ...BASE]
define(MultiprocessError, 'MultiprocessError', 'ERR_MULTIPROCESS', [])
define(ProcessError, 'ProcessError', 'ERR_PROCESS', BASE)
define(TimeoutError, 'TimeoutError', 'ERR_TIMEOUT', PROCESS)
define(BufferTooShort, 'BufferTooShort', 'ERR_BUFFER_TOO_SHORT', PROCESS)
define(AuthenticationError, 'AuthenticationError', 'ERR_AUTHENTICATION', PROCESS)
define(EOFError, 'EOFError', 'ERR_EOF', BASE)
define(Empty, 'Empty', 'ERR_EMPTY', BASE)
define(Full, 'Full', 'ERR_FULL', BASE)
define(ValueError, 'ValueError', 'ERR_VALUE', BASE)
define(BrokenBarrierError, 'BrokenBarrierError', 'ERR_BROKEN_BARRIER', BASE)
define(OwnerDiedError, 'OwnerDiedError', 'ERR_OWNER_DIED', BASE)
define(WorkerDiedError, 'WorkerDiedError', 'ERR_WORKER_DIED', BASE)
define(PoolTerminatedError, 'PoolTerminatedError', 'ERR_POOL_TERMINATED', BASE)
define(SerializationError, 'SerializationError', 'ERR_SERIALIZATION', BASE)

/** The classes that cross processes as themselves, by name. */
export const ERROR_CLASSES: ReadonlyMap<string, { prototype: Error }> = new Map(
  [
    MultiprocessError,
    ProcessError,
    TimeoutError,
    BufferTooShort,
    AuthenticationError,
    EOFError,
    Empty,
    Full,
    ValueError,
    BrokenBarrierError,
    OwnerDiedError,
    WorkerDiedError,
    PoolTerminatedError,
    SerializationError
  ].map(errorClass => [errorClass.prototype.name, errorClass])
)
