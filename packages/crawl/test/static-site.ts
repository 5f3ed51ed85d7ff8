import { createReadStream, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { extname, join, normalize } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.txt': 'text/plain',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml'
}

/**
 * Serves the files of a directory, and for a directory its `index.html`.
 *
 * @param onPage called with the path of every HTML page that is asked for with GET, and found
 */
export function createStaticSite(directory: string, onPage: (path: string) => void): Server {
  return createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname)
    const file = join(directory, normalize(path), path.endsWith('/') ? 'index.html' : '')
    const size = fileSize(file)
    if (size === undefined) {
      response.writeHead(404).end()
      return
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    if (request.method === 'GET' && type === 'text/html') onPage(path)
    response.writeHead(200, { 'content-type': type, 'content-length': size })
    if (request.method === 'GET') createReadStream(file).pipe(response)
    else response.end()
  })
}

function fileSize(file: string): number | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats?.isFile() ? stats.size : undefined
}
