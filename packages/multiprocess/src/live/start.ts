/** Starts the dashboard: by a call, or for the environment variable `MULTIPROCESS_DASHBOARD`. */
import { isMainThread } from 'node:worker_threads'
import { checkOptions, describe, optionNames } from '../checks.ts'
import { MultiprocessError } from '../errors.ts'
import { stage } from '../pool/telling/audience.ts'
import { isChild } from '../process/state.ts'
import { Board, INTERVAL_MS } from './board.ts'
import { HIGHEST_PORT, type LivePage, LiveServer } from './live-server.ts'
import { checkAddress, LOCALHOST } from './serve-page.ts'

const OPTIONS = optionNames('{ port: 8080 }', 'host', 'port')
const VARIABLE = 'MULTIPROCESS_DASHBOARD'

/** Options of `startDashboard`. */
export interface DashboardOptions {
  /** Default: 0, which means a free one. */
  readonly port?: number
  /** The address to listen at. With any that other machines reach, such as `0.0.0.0`, a token is needed. Default: `127.0.0.1`. */
  readonly host?: string
}

/** A dashboard that is served. */
export type Dashboard = LivePage

let open: Promise<Dashboard> | undefined

/**
 * Serves a page that shows what this program does: its workers and tasks, throughput, latency, memory, failures, queues and locks. It does
 * not keep the program alive, and costs nothing as long as nobody looks. There is one a program: a second call gets the first one's.
 * @throws ValueError, TypeError for options that make no sense
 * @throws MultiprocessError `ERR_CANNOT_SERVE` when the port is taken, or in a child: there the program's own dashboard shows it
 * @example
 * import { startDashboard } from 'multiprocess/dashboard'
 *
 * await using dashboard = await startDashboard()
 * console.log(dashboard.url.startsWith('http://127.0.0.1:')) // true
 */
export async function startDashboard(options: DashboardOptions = {}): Promise<Dashboard> {
  checkOptions(options, OPTIONS)
  const { port = 0, host = LOCALHOST } = options
  checkAddress(host, port)
  if (isChild()) {
    throw new MultiprocessError(
      "cannot start the dashboard in a child: each child would start one; call it in the program's first process, as isMainProcess tells",
      { code: 'ERR_CANNOT_SERVE' }
    )
  }
  open ??= serve(port, host)
  return open
}

async function serve(port: number, host: string): Promise<Dashboard> {
  const board = new Board()
  const { recorder } = board
  // Before anything is awaited: pools that are made next are heard of from their beginning.
  stage.audience = recorder
  try {
    const server = await LiveServer.open({
      port,
      host,
      what: 'the dashboard',
      folders: [new URL('./page/', import.meta.url)],
      files: { '/trace.json': { type: 'application/json', saveAs: 'trace.json', body: () => board.trace() } },
      interval: INTERVAL_MS,
      hello: () => board.hello(),
      tick: isWhole => board.tick(isWhole),
      onLooking: isLooking => {
        if (isLooking) recorder.isLooking = true
        else recorder.leave()
      }
    })
    const close = async () => {
      if (stage.audience === recorder) [stage.audience, open] = [undefined, undefined]
      await server.close()
    }
    return { url: server.url, port: server.port, token: server.token, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    stage.audience = undefined
    open = undefined
    throw error
  }
}

/** What goes wrong is a warning: the program itself can do without. */
export function startFromEnvironment(value: string): void {
  if (value === '' || isChild() || !isMainThread) return
  const warn = (message: string) => process.emitWarning(message, { code: VARIABLE })
  const found = /^(?:(.+):)?(\d+)$/.exec(value)
  const port = Number(found?.[2] ?? Number.NaN)
  if (!(port <= HIGHEST_PORT)) {
    warn(
      `cannot serve the dashboard: ${VARIABLE} must be a port from 0 to ${HIGHEST_PORT}, or an address and a port such as 0.0.0.0:8080, got ${describe(value)}; set it to 8080, or to 0 for a free port`
    )
    return
  }
  const host = found?.[1]?.replace(/^\[(.*)\]$/, '$1')
  startDashboard({ port, host }).then(
    ({ url }) => process.stderr.write(`multiprocess: the dashboard is at ${url}\n`),
    error => warn(`${error.message}. The program goes on without it`)
  )
}
