/**
 * Unlinks named segments when the family that created them ends, however it ends. A separate process, the watcher, starts with
 * the first named segment and unlinks those that still exist at the end.
 *
 * How the watcher notices the end: all members have the arena's file descriptor from one open file description. As soon as there
 * is a watcher, this description has a flock(2). The kernel drops the lock with the description: when the last member has ended,
 * even by SIGKILL, and not before. The watcher has opened the arena's file a second time and waits for the same lock.
 *
 * How the watcher knows the names: members write records to a pipe that only the watcher reads:
 *
 *     +INODE NAME NUL    before the segment gets its name
 *     -INODE NAME NUL    after its name was unlinked
 *
 * Records are shorter than PIPE_BUF, so they arrive whole and in order, even from a member that dies right after writing. A
 * record may name a segment that never got the name, or has lost it to another: the watcher compares inodes, and touches no other
 * segment.
 *
 * Who starts the watcher: WATCHER_WORD and the word after it have the watcher's pid and the inode of its pipe; 0 means that there
 * is none. A member that finds none, or whose pipe can no longer be opened or written to (because the watcher was killed), starts
 * one, offers it by compare-and-exchange, and ends it again if another member was faster. The member that started a watcher does
 * the same when its event loop learns that the watcher was killed. A new watcher learns all names of this member; names that
 * other members told the killed one are lost.
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

/** How many killed watchers are replaced at once; after that, the next segment starts a watcher. */
const MAX_REPLACEMENTS = 8
let replacements = 0

const watched = new Map<bigint, string>()
/** The pipe to the watcher that the words last named. */
let pipe = { watcher: 0n, fd: -1 }

/**
 * Tells the watcher of a segment. Call it before the segment gets its name. @throws ProcessError if no watcher can be started
 */
export function watchSegment(name: string, inode: bigint): void {
  watched.set(inode, name)
  const word = watcherWord()
  const watcher = Atomics.load(word, 0)
  if (watcher !== 0n && open(watcher) && write(formatRecord('+', name, inode))) return
  replace(word, watcher)
}

/** Starts a new watcher after one that is gone, and tells it of all segments of this member. */
function replace(word: BigUint64Array, previous: bigint): void {
  start(word, previous)
  for (const [inode, name] of watched) write(formatRecord('+', name, inode))
}

/** Tells the watcher that the segment does not have the name, or has it no more. */
export function forgetSegment(name: string, inode: bigint): void {
  const isMine = watched.delete(inode)
  // A process that was never in a family has no watcher to tell.
  if (!isMine && pipe.fd < 0 && inherited()?.method !== 'spawn') return
  const watcher = Atomics.load(watcherWord(), 0)
  if (watcher !== 0n && open(watcher)) write(formatRecord('-', name, inode))
}

/** Returns the pid of the family's watcher, or 0 if there is none. */
export function watcherPid(): number {
  return Number(Atomics.load(watcherWord(), 0) & 0xffffffffn)
}

function watcherWord(): BigUint64Array {
  const { words } = currentFamily('spawn').memory.first
  return new BigUint64Array(words.buffer, words.byteOffset + WATCHER_WORD * 4, 1)
}

/** Opens the pipe of a watcher. Returns false if the watcher is gone. */
function open(watcher: bigint): boolean {
  if (pipe.watcher === watcher) return true
  const path = `/proc/${watcher & 0xffffffffn}/fd/${RECORDS_FD}`
  try {
    // First checks the file: the pid may have been reused by a process that has another file there.
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

/** Returns false if no process reads the pipe any more. */
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
      // The watcher has a session of its own, so it gets no signals that are typed at the terminal.
      detached: true,
      env: libraryPath()
    })
    child.on('error', () => {})
    if (child.pid === undefined) throw new Error('the system has no more processes, open files or memory')
    child.unref()
  } catch (cause) {
    close(writeEnd)
    throw new ProcessError(
      `cannot start the process that unlinks named shared memory when this program ends: ${(cause as Error).message}`,
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

/** Replaces a watcher that a signal killed. A watcher that ended by itself would end again. */
function replaceKilled(word: BigUint64Array, watcher: bigint, signal: NodeJS.Signals | null): void {
  if (signal === null || watched.size === 0 || replacements === MAX_REPLACEMENTS) return
  replacements++
  try {
    if (Atomics.load(word, 0) === watcher) replace(word, watcher)
  } catch {
    // The next segment tries again, and its error says why no watcher can be started.
  }
}

/**
 * Returns the watcher's environment: options and settings of this program are not for it, but Node may need LD_LIBRARY_PATH to
 * start.
 */
function libraryPath(): NodeJS.ProcessEnv {
  const { LD_LIBRARY_PATH } = process.env
  return LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }
}
