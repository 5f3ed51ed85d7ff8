import assert from 'node:assert/strict'
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../src/command/program.ts'
import { type CrawlOptions, crawl, type PageResult } from '../src/index.ts'

/** A site on a free loopback port. */
export interface Site extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly origin: string
  readonly port: number
  /** Requests in the order of their arrival. */
  readonly requests: { path: string; at: number; headers: IncomingMessage['headers'] }[]
}

/** What a path answers: an HTML body, or a function that answers. */
export type Pages = Record<string, string | Buffer | RequestListener>

/** Serves `pages`; other paths are 404. Without a robots.txt among them, there is none. */
export async function serve(pages: Pages | RequestListener): Promise<Site> {
  const requests: Site['requests'] = []
  const server = createServer((request, response) => {
    requests.push({ path: request.url!, at: performance.now(), headers: request.headers })
    if (typeof pages === 'function') return pages(request, response)
    const page = pages[request.url!]
    if (typeof page === 'function') return page(request, response)
    if (page === undefined) response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>none</h1>')
    else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

/** A page with a heading and links. */
export function page(heading: string, ...links: string[]): string {
  return `<!doctype html><title>t</title><h1>${heading}</h1>${links.map(link => `<a href="${link}">x</a>`).join('')}`
}

/** Answers with a page after some milliseconds. */
export function slow(html: string, ms: number): RequestListener {
  return (_, response) => {
    const timer = setTimeout(() => response.writeHead(200, { 'content-type': 'text/html' }).end(html), ms)
    response.on('close', () => clearTimeout(timer))
  }
}

export function redirect(location: string, status = 302): RequestListener {
  return (_: IncomingMessage, response: ServerResponse) => response.writeHead(status, { location }).end()
}

/** All results of a crawl; in this process unless told otherwise. */
export async function collect(url: string, options: CrawlOptions = {}): Promise<PageResult[]> {
  const results: PageResult[] = []
  for await (const result of crawl(url, { processes: 0, ...options })) results.push(result)
  return results
}

/** The paths of results. */
export function paths(results: readonly PageResult[]): string[] {
  return results.map(({ url }) => new URL(url).pathname + new URL(url).search)
}

/** The result of one path. */
export function at(results: readonly PageResult[], path: string): PageResult {
  const found = results.filter(({ url }) => new URL(url).pathname + new URL(url).search === path)
  if (found.length !== 1) throw new Error(`${found.length} results for ${path} among ${paths(results).join(' ')}`)
  return found[0]
}

export const mainFile: string = fileURLToPath(new URL('../src/main.js', import.meta.url))

/**
 * Asserts that requests came as far apart as they should. A machine that is busy moves the moment at which a request is
 * seen, so two may be seen together; but not three, and the whole series does not become shorter.
 */
export function assertApart(requests: Site['requests'], delayMs: number): void {
  const times = requests.map(({ at }) => Math.round(at - requests[0].at))
  for (const [index, time] of times.entries()) {
    if (index === 0) continue
    if (index > 1) assert.ok(time - times[index - 2] >= delayMs / 2, `request ${index} is too near: ${times}`)
    assert.ok(time >= (index - 0.5) * delayMs, `request ${index} is too early: ${times}`)
  }
}

/** @returns milliseconds of the processors, which do not count what other programs do meanwhile */
export function processorTime(work: () => void): number {
  const begin = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1000
}

/** The command, under way. */
export interface Command {
  readonly child: ChildProcess
  readonly stdout: string
  readonly stderr: string
  /** The exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Resolves once `test` holds for what was written so far. */
  until(test: (command: Command) => boolean): Promise<void>
}

/** Starts `crawl` with these arguments. */
export function start(args: readonly string[], options: SpawnOptions = {}): Command {
  const child = spawn(process.execPath, [...process.execArgv, mainFile, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options
  })
  let wake = () => {}
  let isEnded = false
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', data => {
      texts[name] += data
      wake()
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    isEnded = true
    wake()
    return code ?? signal
  })
  const command: Command = {
    child,
    ended,
    get stdout() {
      return texts.stdout
    },
    get stderr() {
      return texts.stderr
    },
    async until(test) {
      while (!test(command)) {
        if (isEnded) throw new Error(`the command ended before that: ${texts.stdout}${texts.stderr}`)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  }
  return command
}

/** Runs `crawl` to its end. */
export async function run(args: readonly string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const command = start(args)
  const code = await command.ended
  return { code, stdout: command.stdout, stderr: command.stderr }
}

/** Runs `crawl` to its end in this process; what it says on the standard error is not caught. */
export async function runHere(args: readonly string[]): Promise<{ code: number; stdout: string }> {
  let stdout = ''
  const output = {
    async write(text: string) {
      stdout += text
    },
    async close() {}
  }
  const isFine = await runProgram(args, { stdout: output, signal: new AbortController().signal })
  return { code: isFine ? 0 : 1, stdout }
}

/** The results in the lines of a command's output, or of a file. */
export function readLines(text: string): PageResult[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

/** The processes that descend from a process. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = parentOf(Number(name))
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found: number[] = []
  const visit = (parent: number) => {
    for (const child of children.get(parent) ?? []) {
      found.push(child)
      visit(child)
    }
  }
  visit(pid)
  return found
}

/** Whether a process is there, and not merely waiting to be counted out. */
export function isAlive(pid: number): boolean {
  try {
    return statOf(pid)[0] !== 'Z'
  } catch {
    return false
  }
}

/** The process at the other end of a connection from this computer. */
export function processBehind(request: IncomingMessage): number {
  const { remotePort, localPort } = request.socket
  // proc_net_tcp(5): number, local address, remote address, …; the tenth field is the socket's inode.
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map(text => text.trim().split(/\s+/))
    .find(([, local, remote]) => portOf(local) === remotePort && portOf(remote) === localPort)
  const socket = `socket:[${line?.[9]}]`
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const files = readdirSync(`/proc/${name}/fd`)
      if (files.some(file => readlinkSync(`/proc/${name}/fd/${file}`) === socket)) return Number(name)
    } catch {
      // It ended, or closed a file, meanwhile.
    }
  }
  throw new Error(`no process holds ${socket}`)
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16)
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statOf(pid)[1])
  } catch {
    return undefined
  }
}

/** The fields of /proc/PID/stat after the command's name: state, parent, … (proc(5)). */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
