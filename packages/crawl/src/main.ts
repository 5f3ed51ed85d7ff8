import { runProgram } from './command/program.ts'
import { UsageError } from './command/usage-error.ts'
import { OutputError, toStream } from './format/output.ts'
import { StoreError } from './store/store-error.ts'

const FAILURE = 1
const BAD_USAGE = 2

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  // Progress that cannot be shown is no reason to stop: the results matter.
  process.stderr.on('error', () => {})
  const stop = new AbortController()
  let signalCode: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const code = signal === 'SIGINT' ? 130 : 143
    // The second signal ends the program at once; its workers end with it.
    if (signalCode !== undefined) process.exit(code)
    signalCode = code
    stop.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    const isFine = await runProgram(args, { stdout: toStream(process.stdout), signal: stop.signal })
    return signalCode ?? (isFine ? 0 : FAILURE)
  } catch (error) {
    if (error instanceof UsageError) {
      complain(`${error.message}${/[.?)]$/.test(error.message) ? '' : '.'} Try: crawl --help`)
      return BAD_USAGE
    }
    // An error with a code was expected, and explains itself.
    const isForeseen =
      error instanceof OutputError ||
      error instanceof StoreError ||
      (error as { code?: string } | null)?.code !== undefined
    complain(isForeseen ? (error as Error).message : ((error as Error)?.stack ?? String(error)))
    return FAILURE
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

function complain(message: string): void {
  process.stderr.write(`crawl: ${message}\n`)
}

process.exitCode = await main(process.argv.slice(2))
