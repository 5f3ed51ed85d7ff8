import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Process } from 'multiprocess'
import { createPracticeSite, type PracticeOptions } from './site.ts'

/** The practice site, served by another process. */
export interface PracticeServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves the practice site on a free port of this computer, from a separate process, and resolves once the site answers.
 * @throws Error if that process ends before it serves
 */
export async function startPracticeSite(options: PracticeOptions = {}): Promise<PracticeServer> {
  // In the child, the kernel picks the site's port; the child reports the port through a connection to this process.
  const token = randomUUID()
  const reports = createServer()
  reports.listen(0, '127.0.0.1')
  await once(reports, 'listening')
  const child = new Process({
    target: servePracticeSite,
    args: [(reports.address() as AddressInfo).port, token, options],
    name: 'practice-site',
    daemon: true
  })
  const close = async () => {
    reports.close()
    child.terminate()
    await child.join()
  }
  try {
    const port = new Promise<number>((resolve, reject) => {
      reports.on('error', reject)
      reports.on('connection', socket => {
        socket.setEncoding('utf8').unref()
        let text = ''
        socket.on('error', () => {})
        socket.on('data', data => {
          text += data
          const [given, number] = text.split(' ')
          if (text.endsWith('\n') && given === token) resolve(Number(number))
        })
      })
    })
    child.start()
    const ended = child.join().then(() => {
      throw new Error(`the practice site could not be served: its process ended with exit code ${child.exitcode}`)
    })
    ended.catch(() => {})
    return { url: `http://127.0.0.1:${await Promise.race([port, ended])}/`, close }
  } catch (error) {
    await close()
    throw error
  } finally {
    reports.close()
  }
}

/**
 * Serves until it is ended. Runs in the child process.
 * @param reportPort the port where the parent waits for `TOKEN PORT\n`
 */
export async function servePracticeSite(reportPort: number, token: string, options: PracticeOptions): Promise<void> {
  // Ctrl-C goes to every process of the terminal; the parent decides when the site ends.
  process.on('SIGINT', () => {})
  const site = createPracticeSite(options)
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const report = connect(reportPort, '127.0.0.1')
  await once(report, 'connect')
  report.end(`${token} ${(site.address() as AddressInfo).port}\n`)
  await once(site, 'close')
}
