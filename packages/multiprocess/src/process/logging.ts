/**
 * Python's `multiprocessing.get_logger` and `log_to_stderr`: what processes do, one line each, over `node:diagnostics_channel`.
 */
import { channel, subscribe } from 'node:diagnostics_channel' // lazy
import { format } from 'node:util' // lazy
import { describe } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { ownPid } from '../ground/members/self.ts'
import { writeError } from '../ground/os/output.ts'
import {
  CHANNELS,
  type ConnectionCloseMessage,
  type ConnectionMessage,
  type ManagerCreateMessage,
  type ManagerMessage,
  type ProcessExitMessage,
  type ProcessStartMessage
} from './events.ts'
import { currentIdentity, logSettings } from './state.ts'

/** The levels and their numbers, as in Python's `logging`. */
export const LOG_LEVELS = {
  /** Details for developers. */
  debug: 10,
  /** What processes do. */
  info: 20,
  /** Something that may be wrong. */
  warning: 30,
  /** Something that failed. */
  error: 40,
  /** A failure that ends the program. */
  critical: 50
} as const

/** The name of a level. */
export type LogLevelName = keyof typeof LOG_LEVELS

/** A level by its name or its number: 'info' is 20. */
export type LogLevel = LogLevelName | number

/** The payload of `multiprocess:log`. */
export interface LogMessage {
  /** The number of the level, as in LOG_LEVELS: 20 is info. */
  readonly level: number
  /** The name of the level, such as `INFO`, or `Level 25` for a number without a name. */
  readonly levelName: string
  /** The formatted message. */
  readonly message: string
  /** The name of the process that logs, such as `Process-1`. */
  readonly processName: string
  /** The pid of the process that logs; of a thread, its `threadId`. */
  readonly pid: number
}

/** @throws TypeError, ValueError if `level` is not a level */
function levelOf(level: unknown): number {
  if (typeof level === 'number' && level >= 0) return level
  const name = typeof level === 'string' ? level.toLowerCase() : ''
  if (Object.hasOwn(LOG_LEVELS, name)) return LOG_LEVELS[name as LogLevelName]
  const Wrong = typeof level === 'string' || typeof level === 'number' ? ValueError : TypeError
  throw new Wrong(`level must be one of ${Object.keys(LOG_LEVELS).join(', ')}, or a number, got ${describe(level)}`)
}

function nameOf(level: number): string {
  const found = Object.entries(LOG_LEVELS).find(([, value]) => value === level)
  return found === undefined ? `Level ${level}` : found[0].toUpperCase()
}

/**
 * The logger of this process. It publishes messages of its level and above on `multiprocess:log`; `logToStderr` prints them.
 * @example
 * import { getLogger, logToStderr } from 'multiprocess'
 *
 * logToStderr('info')
 * getLogger().info('%d pages', 12)
 */
export class Logger {
  /**
   * The lowest level that is logged, as a number. Default: 30 (warning). Children start with the level that their parent has
   * then.
   */
  get level(): number {
    return logSettings.level
  }

  /** Sets the lowest level that is logged. @throws TypeError, ValueError if `level` is not a level */
  setLevel(level: LogLevel): void {
    logSettings.level = levelOf(level)
  }

  /** Returns true if messages of this level are logged. */
  isEnabledFor(level: LogLevel): boolean {
    return levelOf(level) >= logSettings.level
  }

  /** Logs a message. Its `%s`, `%d` and `%o` are replaced by the values, as in `console.log`. */
  log(level: LogLevel, message: unknown, ...values: unknown[]): void {
    const number = levelOf(level)
    if (number < logSettings.level) return
    const onLog = channel(CHANNELS.log)
    if (!onLog.hasSubscribers) return
    const record: LogMessage = {
      level: number,
      levelName: nameOf(number),
      message: format(message, ...values),
      processName: currentIdentity().name,
      pid: ownPid()
    }
    onLog.publish(record)
  }

  /** Logs a message of level 10. */
  debug(message: unknown, ...values: unknown[]): void {
    this.log(LOG_LEVELS.debug, message, ...values)
  }

  /** Logs a message of level 20. */
  info(message: unknown, ...values: unknown[]): void {
    this.log(LOG_LEVELS.info, message, ...values)
  }

  /** Logs a message of level 30. */
  warning(message: unknown, ...values: unknown[]): void {
    this.log(LOG_LEVELS.warning, message, ...values)
  }

  /** Logs a message of level 40. */
  error(message: unknown, ...values: unknown[]): void {
    this.log(LOG_LEVELS.error, message, ...values)
  }

  /** Logs a message of level 50. */
  critical(message: unknown, ...values: unknown[]): void {
    this.log(LOG_LEVELS.critical, message, ...values)
  }
}

let logger: Logger | undefined

/**
 * Returns the logger of this process. See Python's `multiprocessing.get_logger`.
 * @example
 * import { getLogger } from 'multiprocess'
 *
 * getLogger().setLevel('info')
 * console.log(getLogger().level) // 20
 */
export function getLogger(): Logger {
  if (logger === undefined) {
    logger = new Logger()
    logEvents(logger)
  }
  return logger
}

/**
 * Prints log messages to stderr from now on, in this process and in those that it starts, as `[INFO/Process-1] message`. See
 * Python's `multiprocessing.log_to_stderr`.
 * @param level the lowest level. Default: the logger's level, which is 'warning' at first
 * @throws TypeError, ValueError if `level` is not a level
 * @example
 * import { Process, logToStderr } from 'multiprocess'
 *
 * logToStderr('info')
 * new Process({ target: () => {} }).start() // prints: [INFO/MainProcess] started Process-1 (pid …)
 */
export function logToStderr(level?: LogLevel): Logger {
  if (level !== undefined) logSettings.level = levelOf(level)
  if (!logSettings.isPrinted) {
    logSettings.isPrinted = true
    subscribe(CHANNELS.log, print)
  }
  return getLogger()
}

function print(message: unknown): void {
  const { levelName, processName, message: text } = message as LogMessage
  // One call for each line, so that lines of several processes do not mix.
  writeError(`[${levelName}/${processName}] ${text}\n`)
}

/** Applies the logger's settings of the parent, in a child before its target runs. */
export function inheritLogging({ level, isPrinted }: { level: number; isPrinted: boolean }): void {
  logSettings.level = level
  if (isPrinted) logToStderr()
  const own = getLogger()
  own.info('child process calling run()')
  process.once('exit', code => own.info('process exiting with exitcode %d', code))
}

/** Logs what the library does: processes at level info, the rest at level debug. */
function logEvents(own: Logger): void {
  const on = <M>(name: string, log: (message: M) => void) => subscribe(name, message => log(message as M))
  on<ProcessStartMessage>(CHANNELS.processStart, ({ name, pid }) => own.info('started %s (pid %d)', name, pid))
  on<ProcessExitMessage>(CHANNELS.processExit, ({ name, pid, exitcode }) =>
    own.info('%s (pid %d) exited with exitcode %d', name, pid, exitcode)
  )
  on<ManagerMessage>(CHANNELS.managerStart, ({ address }) => own.info('manager serving at %o', address))
  on<ManagerMessage>(CHANNELS.managerConnect, ({ address }) => own.debug('connected to the manager at %o', address))
  on<ManagerMessage>(CHANNELS.managerEnd, ({ address }) => own.info('manager at %o has ended', address))
  on<ManagerCreateMessage>(CHANNELS.managerCreate, ({ typeid }) => own.debug('created an object of type %s', typeid))
  on<ConnectionMessage>(CHANNELS.connectionOpen, ({ side, address }) =>
    own.debug(side === 'client' ? 'connected to %o' : 'accepted a connection from %o', address)
  )
  on<ConnectionCloseMessage>(CHANNELS.connectionClose, ({ side, address, error }) => {
    const other = side === 'client' ? 'to' : 'from'
    if (error === null) own.debug(`closed the connection ${other} %o`, address)
    else own.debug(`lost the connection ${other} %o: %s`, address, error.message)
  })
}
