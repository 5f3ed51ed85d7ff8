/** The debug mode of this process, and the program's place that called into this package. */
import { fileURLToPath } from 'node:url'

/** True if MULTIPROCESS_DEBUG=1 was set when the process started. Children inherit the variable. */
export const isDebug = process.env.MULTIPROCESS_DEBUG === '1'

const MOST_FRAMES = 50

/** Returns the directory of this package's own code, compiled or bundled. */
function ownCode(): string {
  const here = fileURLToPath(import.meta.url)
  return here.replace(/(?:[/\\]ground[/\\]os)?[/\\][^/\\]+$/, '/').replaceAll('\\', '/')
}

/** Returns the nearest caller outside this package as `file:line:column`, or 'an unknown place' if every frame is inside it. */
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
