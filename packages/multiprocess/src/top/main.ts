/** The command `multiprocess top`: shows the families of this user that run now. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { setTimeout } from '../ground/os/time.ts'
import { pageOf } from './page.ts'
import { LookError } from './proc.ts'
import { Watcher } from './watcher.ts'

const HELP = `Usage: multiprocess top [options]

Shows the programs of this user that use the package and run now: processes, pools, queues, locks, managers, and who waits for
what. It reads their shared memory from outside: they need no option for it.

Options:
  --once           shows one picture, and ends
  --json           prints JSON: with --once one object, else one a line
  --pid PID        only the program that this process belongs to
  --interval MS    milliseconds between two looks, 100 or more (default: 1000)
  --help           shows this
  --version        shows the version of the package

Keys: q or Ctrl-C ends it.
`
const ONCE_MS = 500
const LEAST_INTERVAL_MS = 100

interface Settings {
  readonly once: boolean
  readonly json: boolean
  readonly pid: number | undefined
  readonly interval: number
}

/** A mistake in the command line. */
class UsageError extends Error {}

/** Runs the command; a mistake or an unreadable program sets the exit code to 1, and is told on stderr. */
export async function main(args: readonly string[]): Promise<void> {
  // The program that reads the output, such as `head`, may end.
  process.stdout.on('error', () => process.exit())
  try {
    const settings = settingsOf(args)
    if (settings !== undefined) await run(settings)
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof LookError)) throw error
    process.stderr.write(`multiprocess: ${error.message}\n`)
    process.exitCode = 1
  }
}

/** Undefined when all that was asked for is shown. @throws UsageError */
function settingsOf(args: readonly string[]): Settings | undefined {
  const { values, positionals } = parse(args)
  if (values.version) {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    process.stdout.write(`${version}\n`)
    return undefined
  }
  if (values.help || (positionals.length === 0 && args.length === 0)) {
    process.stdout.write(HELP)
    return undefined
  }
  const [command, ...rest] = positionals
  if (command !== 'top' || rest.length > 0) {
    const got = positionals.length === 0 ? 'none' : `'${positionals.join(' ')}'`
    throw new UsageError(`cannot run the command: expected top, got ${got}; see multiprocess --help`)
  }
  return {
    once: values.once ?? false,
    json: values.json ?? false,
    pid: values.pid === undefined ? undefined : numberOf('--pid', values.pid, 1),
    interval: numberOf('--interval', values.interval ?? '1000', LEAST_INTERVAL_MS)
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        once: { type: 'boolean' },
        json: { type: 'boolean' },
        pid: { type: 'string' },
        interval: { type: 'string' },
        help: { type: 'boolean' },
        version: { type: 'boolean' }
      }
    })
  } catch (error) {
    const [reason] = (error as Error).message.split('. ')
    throw new UsageError(`cannot read the options: ${reason}; see multiprocess --help`)
  }
}

function numberOf(option: string, text: string, least: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least) return number
  throw new UsageError(`${option} must be a whole number of ${least} or more, got '${text}'`)
}

async function run({ once, json, pid, interval }: Settings): Promise<void> {
  const { stdout, stdin } = process
  const watcher = new Watcher({ pid, interval: once ? ONCE_MS : interval })
  if (once) {
    await watcher.look()
    await new Promise(resolve => setTimeout(resolve, ONCE_MS))
    const snapshot = await watcher.look()
    const columns = stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY
    const lines = () => pageOf(snapshot, { columns, isColored: isColored() })
    stdout.write(json ? `${JSON.stringify(snapshot, null, 2)}\n` : `${lines().join('\n')}\n`)
    return
  }
  if (json) {
    for (;;) {
      stdout.write(`${JSON.stringify(await watcher.look())}\n`)
      await new Promise(resolve => setTimeout(resolve, interval))
    }
  }
  if (!stdout.isTTY) throw new UsageError('cannot show it live: the output is no terminal; add --once or --json')
  const screen = new AlternateScreen()
  if (stdin.isTTY) {
    stdin.setRawMode(true).on('data', data => {
      if (/[q\x03\x04]/.test(String(data))) screen.leave()
    })
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => screen.leave())
  stdout.on('resize', () => screen.redraw())
  try {
    for (;;) {
      screen.draw(pageOf(await watcher.look(), { columns: stdout.columns, isColored: isColored() }))
      await new Promise(resolve => setTimeout(resolve, interval))
    }
  } catch (error) {
    // The program that was asked for has ended.
    screen.close()
    throw error
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false).unref()
  }
}

function isColored(): boolean {
  return process.stdout.isTTY && process.stdout.hasColors()
}

/** A page of its own in the terminal, which is left as it was found. */
class AlternateScreen {
  #lines: string[] = []
  #isOpen = true

  constructor() {
    process.stdout.write('\x1b[?1049h\x1b[?25l')
  }

  draw(lines: string[]): void {
    this.#lines = lines
    this.redraw()
  }

  /** What has no room is counted. */
  redraw(): void {
    const { rows } = process.stdout
    const shown = this.#lines.length > rows ? this.#lines.slice(0, rows - 1) : this.#lines
    const rest = this.#lines.length - shown.length
    const last = rest > 0 ? [`… ${rest} more lines: enlarge the window, or use --once`] : []
    process.stdout.write(`\x1b[H${[...shown, ...last].map(line => `${line}\x1b[K`).join('\n')}\x1b[J`)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    process.stdout.write('\x1b[?25h\x1b[?1049l')
  }

  leave(): never {
    this.close()
    process.exit(0)
  }
}
