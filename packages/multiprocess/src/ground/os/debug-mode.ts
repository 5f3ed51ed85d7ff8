/** Whether this process keeps what a report of its family's waits needs, and where in the program something is called. */
import { fileURLToPath } from 'node:url'

/** Set when the process starts, and passed on to its children. */
export const isDebug = process.env.MULTIPROCESS_DEBUG === '1'

const MOST_FRAMES = 50

/** Where this package's own code stands: as compiled, or bundled. */
function ownCode(): string {
  const here = fileURLToPath(import.meta.url)
  return here.replace(/(?:[/\\]ground[/\\]os)?[/\\][^/\\]+$/, '/').replaceAll('\\', '/')
}

/** The nearest caller outside this package, as `file:line:column`; 'an unknown place' where there is none. */
export function callerPlace(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = MOST_FRAMES
  const { stack } = new Error()
  const own = ownCode()
  Error.stackTraceLimit = stackTraceLimit
  for (const line of String(stack).split('\n').slice(1)) {
    const place = (/\(([^()]*:\d+:\d+)\)$/.exec(line) ?? /^\s*at (?:async )?(.*:\d+:\d+)$/.exec(line))?.[1]
    if (place === undefined || place.startsWith('node:')) continue
    const path = place.replace(/^file:\/\//, '')
    if (!path.startsWith(own)) return path
  }
  return 'an unknown place'
}
