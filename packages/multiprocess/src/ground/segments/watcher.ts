/**
 * Named segments end with the family that created them, however that ends: a watcher, a process of its own that is started
 * with the first of them, unlinks what is still there.
 *
 * How it notices the end. All members have the arena's file descriptor from one open file description, which has a flock(2) as
 * soon as there is a watcher. The kernel drops that lock with the description: when the last member has ended, or SIGKILL has
 * ended it, and not before. The watcher has opened the arena's file a second time and waits for the same lock.
 *
 * How it knows the names. Members write records to a pipe that only the watcher reads:
 *
 *     +INODE NAME NUL    before the name is given to the segment
 *     -INODE NAME NUL    after it was taken away
 *
 * They are shorter than PIPE_BUF, so they arrive whole and in order, also from one that dies right after. A record may name a
 * segment that never got the name, or has lost it to another: the watcher compares inodes, and touches no other.
 *
 * Who starts it. WATCHER_WORD and the word after it have the watcher's pid and its pipe's inode; 0: there is none. A member that
 * finds none, or whose pipe can no longer be opened or written to (somebody has killed the watcher), starts one, offers it by
 * compare-and-exchange, and ends its own again if another was faster. So does the one that had started it, when its event loop
 * is told of the end. A new watcher is told of all that this member has; what others had told the killed one is lost.
 */
import { type ChildProcess, spawn } from 'node:child_process' // lazy
import { type BigIntStats, closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ProcessError } from '../../errors.ts'
import { WATCHER_WORD } from '../arena/layout.ts'
import { currentFamily } from '../family.ts' // lazy
import { inherited } from '../members/inheritance.ts'
import type { ProcessPlatform } from '../members/process-platform.ts'
import { system, systemError } from '../os/system.ts'
import { formatRecord, RECORDS_FD } from './watcher-records.ts'

const MAIN = fileURLToPath(new URL('./watcher-main.js', import.meta.url))
const LOCK_EX = 2
const O_CLOEXEC = 0o2000000
const SMALL = ['--max-old-space-size=16', '--max-semi-space-size=1', '--v8-pool-size=0', '--no-opt', '--no-warnings']

/** Times that one that was killed is replaced at once; after that, with the next segment. */
const MAX_REPLACEMENTS = 8
let replacements = 0

const watched = new Map<bigint, string>()
/** The pipe to the watcher that the words named last. */
let pipe = { watcher: 0n, fd: -1 }

/** Call it before the segment gets the name. @throws ProcessError when no watcher can be started */
export function watchSegment(name: string, inode: bigint): void {
  watched.set(inode, name)
  const word = watcherWord()
  const watcher = Atomics.load(word, 0)
  if (watcher !== 0n && open(watcher) && write(formatRecord('+', name, inode))) return
  replace(word, watcher)
}

/** Starts a watcher in the place of one that is gone, and tells it of all that this member has. */
function replace(word: BigUint64Array, previous: bigint): void {
  start(word, previous)
  for (const [inode, name] of watched) write(formatRecord('+', name, inode))
}

/** Call it when the segment does not have the name (any more). */
export function forgetSegment(name: string, inode: bigint): void {
  const isMine = watched.delete(inode)
  // One that was never of a family has no watcher to tell.
  if (!isMine && pipe.fd < 0 && inherited()?.method !== 'spawn') return
  const watcher = Atomics.load(watcherWord(), 0)
  if (watcher !== 0n && open(watcher)) write(formatRecord('-', name, inode))
}

/** The pid of the family's watcher, 0 where there is none. */
export function watcherPid(): number {
  return Number(Atomics.load(watcherWord(), 0) & 0xffffffffn)
}

function watcherWord(): BigUint64Array {
  const { words } = currentFamily('spawn').memory.first
  return new BigUint64Array(words.buffer, words.byteOffset + WATCHER_WORD * 4, 1)
}

/** Opens the pipe of a watcher; false when it is gone. */
function open(watcher: bigint): boolean {
  if (pipe.watcher === watcher) return true
  const path = `/proc/${watcher & 0xffffffffn}/fd/${RECORDS_FD}`
  try {
    // First a look: the pid may be used again, by a process that has another file there.
    const stats = statSync(path, { bigint: true })
    if (!stats.isFIFO() || pipeNumber(stats) !== watcher >> 32n) return false
  } catch {
    return false
  }
  const fd = system().open(path, constants.O_WRONLY | O_CLOEXEC)
  if (fd >= 0) keep(watcher, fd)
  return fd >= 0
}

function keep(watcher: bigint, fd: number): void {
  if (pipe.fd >= 0) system().close(pipe.fd)
  pipe = { watcher, fd }
}

function pipeNumber({ ino }: BigIntStats): bigint {
  return ino & 0xffffffffn
}

/** False when nobody reads any more. */
function write(bytes: Buffer): boolean {
  return system().write(pipe.fd, bytes, bytes.length) === bytes.length
}

function start(word: BigUint64Array, previous: bigint): void {
  const { pipe2, flock, close } = system()
  const arena = (currentFamily('spawn').platform as ProcessPlatform).fd
  const ends = new Int32Array(2)
  if (pipe2(ends, O_CLOEXEC) < 0) throw systemError('pipe2')
  const [readEnd, writeEnd] = ends
  let child: ChildProcess
  let lock = -1
  try {
    if (flock(arena, LOCK_EX) < 0) throw systemError('flock')
    lock = openSync(`/proc/self/fd/${arena}`, constants.O_RDWR)
    child = spawn(process.execPath, [...SMALL, MAIN], {
      stdio: ['ignore', 'ignore', 'ignore', readEnd, lock],
      cwd: '/',
      // A session of its own: what is typed at the terminal does not reach it.
      detached: true,
      env: libraryPath()
    })
    child.on('error', () => {})
    if (child.pid === undefined) throw new Error('no more processes, open files or memory to be had')
    child.unref()
  } catch (cause) {
    close(writeEnd)
    throw new ProcessError(
      `cannot start the process that unlinks named shared memory in the end: ${(cause as Error).message}`,
      { cause }
    )
  } finally {
    close(readEnd)
    if (lock >= 0) closeSync(lock)
  }
  const watcher = (pipeNumber(fstatSync(writeEnd, { bigint: true })) << 32n) | BigInt(child.pid)
  const found = Atomics.compareExchange(word, 0, previous, watcher)
  if (found === previous) {
    keep(watcher, writeEnd)
    child.once('exit', (_, signal) => replaceKilled(word, watcher, signal))
    return
  }
  child.kill('SIGKILL')
  close(writeEnd)
  if (!open(found)) start(word, found)
}

/** One that ends by itself would end again. */
function replaceKilled(word: BigUint64Array, watcher: bigint, signal: NodeJS.Signals | null): void {
  if (signal === null || watched.size === 0 || replacements === MAX_REPLACEMENTS) return
  replacements++
  try {
    if (Atomics.load(word, 0) === watcher) replace(word, watcher)
  } catch {
    // The next segment tries again, and says why it cannot.
  }
}

/** Options and settings of this program are not for it, but Node may need this to start. */
function libraryPath(): NodeJS.ProcessEnv {
  const { LD_LIBRARY_PATH } = process.env
  return LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }
}
