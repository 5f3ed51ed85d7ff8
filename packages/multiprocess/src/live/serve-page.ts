/** `servePage`: a page of the program's own, under the rules of the dashboard. */
import { checkArray, checkFunction, checkInteger, checkOptions, checkString, describe, optionNames } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { HIGHEST_PORT, type LivePage, type LivePageOptions, LiveServer } from './live-server.ts'

export const LOCALHOST = '127.0.0.1'
const INTERVAL_MS = 500
const LEAST_INTERVAL_MS = 10
const OPTIONS = optionNames(
  '{ folders, hello, tick }',
  'port',
  'host',
  'what',
  'folders',
  'files',
  'interval',
  'hello',
  'tick',
  'onLooking'
)

/**
 * Serves a page of your own, with the rules of the dashboard: on this machine only, or with a token; nothing from elsewhere is loaded, and
 * no other page may read it. The page follows `/events`, which are server-sent events: first `hello`, then a `tick` every `interval`
 * milliseconds. It does not keep the program alive, and costs nothing as long as nobody looks.
 * @throws ValueError, TypeError for options that make no sense
 * @throws MultiprocessError `ERR_CANNOT_SERVE` when the port is taken
 * @example
 * import { servePage } from 'multiprocess/dashboard'
 *
 * let done = 0
 * // The page is the index.html beside this file.
 * await using page = await servePage({
 *   folders: [new URL('./', import.meta.url)],
 *   hello: () => ({ name: 'import' }),
 *   tick: () => ({ done })
 * })
 * done++
 * console.log(page.token) // null
 */
export async function servePage(options: LivePageOptions): Promise<LivePage> {
  checkOptions(options ?? null, OPTIONS)
  const { port = 0, host = LOCALHOST, what = 'the page', interval = INTERVAL_MS, folders, files = {} } = options
  checkAddress(host, port)
  checkString('what', what)
  checkInteger('interval', interval, LEAST_INTERVAL_MS)
  checkArray('folders', folders)
  for (const folder of folders) {
    if (!(folder instanceof URL) || folder.protocol !== 'file:' || !folder.pathname.endsWith('/')) {
      throw new ValueError(
        `folders must be file: URLs that end with '/', such as new URL('./page/', import.meta.url), got ${describe(folder)}`
      )
    }
  }
  checkFunction('hello', options.hello)
  checkFunction('tick', options.tick)
  if (options.onLooking !== undefined) checkFunction('onLooking', options.onLooking)
  for (const [path, file] of Object.entries(files)) checkFunction(`files['${path}'].body`, file?.body)
  return await LiveServer.open({ ...options, port, host, what, interval })
}

/** @throws ValueError, TypeError if no server can listen there */
export function checkAddress(host: string, port: number): void {
  checkInteger('port', port, 0, HIGHEST_PORT)
  if (checkString('host', host) === '') throw new ValueError(`host must be an address, such as '0.0.0.0', got ''`)
}
