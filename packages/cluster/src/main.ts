/** The program of the command `multiprocess-worker`. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { cpuCount } from 'multiprocess'
import { ClusterWorker } from './worker/cluster-worker.ts'

const USAGE = `Usage: multiprocess-worker --url URL --name NAME [options]

Runs tasks of ClusterPools with the same name and key, until SIGTERM or SIGINT.

  --url URL            redis:// or rediss:// URL of the server
  --name NAME          name of the cluster
  --key-file FILE      file with the key (default: environment variable MULTIPROCESS_KEY)
  --processes N        worker processes (default: number of processors)
  --concurrency N      tasks that one process may have under way at once (default: 1)
  --lease MS           time without a sign of life after which its tasks go to others (default: 30000)
  --max-tasks N        tasks after which a process is replaced (default: no limit)
  --max-memory BYTES   resident memory after which a process is replaced (default: no limit)
  --help               print this text

The key is never an argument: other users of the machine can read those.`

/** The exit status for an invalid command line. */
const USAGE_ERROR = 2

interface Arguments {
  readonly url?: string
  readonly name?: string
  readonly 'key-file'?: string
  readonly [count: string]: string | boolean | undefined
}

function read(): Arguments {
  const text = { type: 'string' } as const
  return parseArgs({
    options: {
      url: text,
      name: text,
      'key-file': text,
      processes: text,
      concurrency: text,
      lease: text,
      'max-tasks': text,
      'max-memory': text,
      help: { type: 'boolean' }
    }
  }).values
}

function number(args: Arguments, name: string): number | undefined {
  const text = args[name]
  if (text === undefined) return undefined
  if (!/^\d+$/.test(String(text))) throw new TypeError(`--${name} must be a positive integer, got '${text}'`)
  return Number(text)
}

function required(args: Arguments, name: 'url' | 'name'): string {
  const value = args[name]
  if (value === undefined) throw new TypeError(`--${name} is missing`)
  return value
}

function start(): ClusterWorker | undefined {
  try {
    const args = read()
    if (args['help'] === true) {
      console.log(USAGE)
      return undefined
    }
    const file = args['key-file']
    return new ClusterWorker({
      url: required(args, 'url'),
      name: required(args, 'name'),
      key: file === undefined ? undefined : readFileSync(file, 'utf8').trim(),
      processes: number(args, 'processes'),
      concurrency: number(args, 'concurrency'),
      lease: number(args, 'lease'),
      maxTasksPerChild: number(args, 'max-tasks'),
      maxMemoryPerChild: number(args, 'max-memory')
    })
  } catch (error) {
    console.error(`multiprocess-worker: ${(error as Error).message}\n\n${USAGE}`)
    process.exitCode = USAGE_ERROR
    return undefined
  }
}

const worker = start()
if (worker !== undefined) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void worker.close())
  worker.ready.then(
    () =>
      console.error(
        `multiprocess-worker ${worker.id} is ready with ${worker.stats.workers.length || cpuCount()} processes`
      ),
    () => {}
  )
  worker.closed.then(
    () => process.exit(0),
    error => {
      console.error(`multiprocess-worker: ${(error as Error).message}`)
      process.exit(1)
    }
  )
}
