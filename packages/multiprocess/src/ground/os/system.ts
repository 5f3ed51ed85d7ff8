/**
 * The system calls that this package uses, through koffi's prebuilt binary for the platform. Nothing loads before the first call
 * of `system()`, so importing the package costs nothing and works everywhere.
 */
import { createRequire } from 'node:module' // lazy
import { getSystemErrorName } from 'node:util'
import { MultiprocessError } from '../../errors.ts'
import { setUp } from './set-up.ts'

type Pointer = number | bigint | null | ArrayBufferView

interface Koffi {
  load(path: null): { func(definition: string): (...args: never[]) => number }
  view(address: bigint, length: number): ArrayBuffer
  errno(): number
}

interface AsyncFlock {
  (fd: number, operation: number): number
  async(fd: number, operation: number, answer: (error: Error | null, result: number) => void): void
}

/** C functions with the arguments of their man pages. A function that fails returns -1 and sets `errno()`. */
export interface System {
  view(address: bigint, length: number): ArrayBuffer
  errno(): number
  memfd_create(name: string, flags: number): number
  ftruncate(fd: number, length: number): number
  fallocate(fd: number, mode: number, offset: number, length: number): number
  mmap(
    address: bigint | Uint8Array | null,
    length: number,
    prot: number,
    flags: number,
    fd: number,
    offset: number
  ): bigint
  munmap(address: bigint, length: number): number
  futex(address: number, op: number, value: number, timeout: Pointer): number
  sched_yield(): number
  /** Undefined if the C library is not glibc. */
  readonly mallopt: ((parameter: number, value: number) => number) | undefined
  prctl(option: number, argument: number): number
  fcntl(fd: number, command: number, argument: number): number
  pipe2(fds: Int32Array, flags: number): number
  open(path: string, flags: number): number
  write(fd: number, bytes: Uint8Array, length: number): number
  read(fd: number, bytes: Uint8Array, length: number): number
  close(fd: number): number
  pidfd_open(pid: number): number
  poll(fds: Int32Array, count: number, timeout: number): number
  /** Returns the error, or 0 for success. */
  pthread_sigmask(how: number, set: BigUint64Array, former: BigUint64Array | null): number
  waitid(idType: number, id: number, info: Int32Array, options: number): number
  linkat(oldDirectory: number, oldPath: string, newDirectory: number, newPath: string, flags: number): number
  flock(fd: number, operation: number): number
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  connect(fd: number, address: Uint8Array, length: number): number
  listen(fd: number, backlog: number): number
  accept4(fd: number, address: null, length: null, flags: number): number
  setsockopt(fd: number, level: number, name: number, value: Int32Array, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Int32Array, length: Int32Array): number
  /** Does not block the event loop, but keeps it alive. */
  flockAsync(fd: number, operation: number): Promise<number>
}

// asm-generic and x86-64 give different numbers to the older calls only.
const SYS_FUTEX = process.arch === 'arm64' ? 98 : 202
const SYS_PIDFD_OPEN = 434

let loaded: System | undefined

/**
 * Returns the system calls; the first call loads them.
 * @throws MultiprocessError on a platform other than Linux x64 and arm64, or if koffi's binary is missing
 */
export function system(): System {
  loaded ??= setUp(load)
  return loaded
}

function load(): System {
  const koffi = requireKoffi()
  const libc = koffi.load(null)
  const syscall = libc.func('long syscall(long n, size_t a, int b, uint32_t c, void* d, void* e, uint32_t f)') as (
    ...args: unknown[]
  ) => number
  const define = (definition: string) => libc.func(definition) as never
  /**
   * Returns a function that defines itself at its first call: a definition takes 60 µs, and most processes call a third of these
   * functions.
   */
  const later = (definition: string) => {
    let call: ((...args: never[]) => number) | undefined
    return ((...args: never[]) => (call ??= setUp(() => libc.func(definition)))(...args)) as never
  }
  const defineIfThere = (definition: string) => {
    try {
      return define(definition)
    } catch {
      return undefined
    }
  }
  const pidfd: (...args: unknown[]) => number = later('long syscall(long n, int pid, uint flags)')
  let flockFound: AsyncFlock | undefined
  const flock = () =>
    (flockFound ??= setUp(() => libc.func('int flock(int fd, int operation)') as unknown as AsyncFlock))
  return {
    view: (address, length) => setUp(() => koffi.view(address, length)),
    errno: koffi.errno,
    memfd_create: later('int memfd_create(const char* name, uint flags)'),
    ftruncate: later('int ftruncate(int fd, int64_t length)'),
    fallocate: later('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
    mmap: later('void* mmap(void* address, size_t length, int prot, int flags, int fd, int64_t offset)'),
    munmap: later('int munmap(void* address, size_t length)'),
    futex: (address, op, value, timeout) => syscall(SYS_FUTEX, address, op, value, timeout, null, 0),
    mallopt: defineIfThere('int mallopt(int parameter, int value)'),
    sched_yield: define('int sched_yield()'),
    prctl: later('int prctl(int option, ulong argument)'),
    fcntl: later('int fcntl(int fd, int command, int argument)'),
    pipe2: later('int pipe2(_Out_ int* fds, int flags)'),
    open: later('int open(const char* path, int flags)'),
    write: define('long write(int fd, void* bytes, size_t length)'),
    read: define('long read(int fd, _Out_ void* bytes, size_t length)'),
    close: later('int close(int fd)'),
    pidfd_open: pid => pidfd(SYS_PIDFD_OPEN, pid, 0),
    poll: later('int poll(_Inout_ void* fds, ulong count, int timeout)'),
    pthread_sigmask: later('int pthread_sigmask(int how, uint64_t* set, _Out_ uint64_t* former)'),
    waitid: later('int waitid(int id_type, uint id, _Out_ void* info, int options)'),
    linkat: later('int linkat(int old_dir, const char* old_path, int new_dir, const char* new_path, int flags)'),
    socket: later('int socket(int domain, int type, int protocol)'),
    bind: later('int bind(int fd, void* address, uint length)'),
    connect: later('int connect(int fd, void* address, uint length)'),
    listen: later('int listen(int fd, int backlog)'),
    accept4: later('int accept4(int fd, void* address, void* length, int flags)'),
    setsockopt: later('int setsockopt(int fd, int level, int name, void* value, uint length)'),
    getsockopt: later('int getsockopt(int fd, int level, int name, _Out_ void* value, _Inout_ void* length)'),
    flock: (fd, operation) => flock()(fd, operation),
    flockAsync: (fd, operation) =>
      new Promise((resolve, reject) => {
        flock().async(fd, operation, (error, result) => (error === null ? resolve(result) : reject(error)))
      })
  }
}

/** The name of the package with koffi's binary for this platform. */
const BINARY = `@koromix/koffi-${process.platform}-${process.arch}`

/**
 * Checks that the platform has the system calls.
 * @throws MultiprocessError (`ERR_UNSUPPORTED_PLATFORM`) if it does not
 */
export function checkPlatform(what: string, instead: string): void {
  const platform = `${process.platform}-${process.arch}`
  if (platform === 'linux-x64' || platform === 'linux-arm64') return
  throw new MultiprocessError(`${what} need Linux on x64 or arm64, but this is ${platform}; ${instead}`, {
    code: 'ERR_UNSUPPORTED_PLATFORM'
  })
}

/** Returns true if koffi's binary for this platform is installed. Loads nothing. */
export function hasBinary(): boolean {
  try {
    createRequire(import.meta.url).resolve(BINARY)
    return true
  } catch {
    return false
  }
}

function requireKoffi(): Koffi {
  checkPlatform('processes', 'multiprocess/threads has the same names on threads')
  const require = createRequire(import.meta.url)
  try {
    // The package's index would first read the headers of Node's executable to choose a binary, which doubles the time.
    return require(`${BINARY}/linux_${process.arch}/koffi.node`) as Koffi
  } catch {
    // The C library is not glibc, or the package has its files elsewhere.
  }
  try {
    return require(BINARY) as Koffi
  } catch (cause) {
    throw new MultiprocessError(`cannot load ${BINARY}: ${reasonOf(cause as NodeJS.ErrnoException)}`, {
      code: 'ERR_UNSUPPORTED_PLATFORM',
      cause
    })
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  const [reason] = message.split('\n')
  switch (code) {
    case 'MODULE_NOT_FOUND':
      return 'npm installs it as an optional dependency; install without --omit=optional'
    case 'ERR_DLOPEN_DISABLED':
      return 'this program may not load native addons; start Node without --no-addons, with --permission add --allow-addons, or import multiprocess/threads'
    default:
      return `${reason} (${code ?? 'no code'})`
  }
}

/** Returns an error for the system call that has just failed, worded as in Node's own `fs`. */
export function systemError(call: string, errno = system().errno()): MultiprocessError {
  const name = getSystemErrorName(-errno)
  return new MultiprocessError(`${call} failed: ${name}`, { code: name })
}
