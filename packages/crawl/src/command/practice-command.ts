import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { OutputError } from '../format/output.ts'
import { createPracticeSite } from '../practice/site.ts'
import type { Context } from './crawl-command.ts'

/** `crawl practice`: serves the practice site until Ctrl-C. */
export async function practiceCommand(port: number, { stdout, signal }: Context): Promise<boolean> {
  const site = createPracticeSite()
  site.listen(port, '127.0.0.1')
  await once(site, 'listening').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'EADDRINUSE' ? 'something else listens there; use another --port' : error.message
    throw new OutputError(`cannot serve the practice site on port ${port}: ${reason}`, { cause: error })
  })
  await stdout.write(`http://127.0.0.1:${(site.address() as AddressInfo).port}/\n`)
  if (!signal.aborted) await once(signal, 'abort')
  site.close()
  site.closeAllConnections()
  return true
}
