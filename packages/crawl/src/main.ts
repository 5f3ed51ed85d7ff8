#!/usr/bin/env node
import { type Arguments, readArguments, UsageError, usage } from './arguments.ts'
import { compare } from './compare.ts'
import { type LineOutput, OutputError, openFile, toStream } from './format/output.ts'
import { plan } from './options.ts'
import { type PracticeServer, startPracticeSite } from './practice-process.ts'
import { toJsonLine } from './result.ts'
import { runCrawl } from './run-crawl.ts'
import { version } from './version.ts'

const FAILURE = 1
const BAD_USAGE = 2

/** @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  // Progress that nobody can see is no reason to stop: the results matter.
  process.stderr.on('error', () => {})
  try {
    const asked = readArguments(args)
    const stdout = toStream(process.stdout)
    if (asked.help || asked.version) {
      await stdout.write(asked.help ? usage : `${version}\n`)
      return 0
    }
    return await runAsAsked(asked, stdout)
  } catch (error) {
    if (error instanceof UsageError) {
      complain(`${error.message}${/[.?]$/.test(error.message) ? '' : '.'} Try: crawl --help`)
      return BAD_USAGE
    }
    // An error with a code is one that was foreseen, and explains itself.
    const isForeseen = error instanceof OutputError || (error as { code?: string } | null)?.code !== undefined
    complain(isForeseen ? (error as Error).message : ((error as Error)?.stack ?? String(error)))
    return FAILURE
  }
}

async function runAsAsked(asked: Arguments, stdout: LineOutput): Promise<number> {
  if (asked.url !== undefined) checkPlan(asked.url, asked)
  const stop = new AbortController()
  let signalCode: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const code = signal === 'SIGINT' ? 130 : 143
    // The second time nothing is worth waiting for; the workers end with this process.
    if (signalCode !== undefined) process.exit(code)
    signalCode = code
    stop.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)

  const file = asked.out === undefined || asked.out === '-' ? undefined : await openFile(asked.out)
  let practice: PracticeServer | undefined
  try {
    if (asked.url === undefined) {
      practice = await startPracticeSite()
      await stdout.write(
        `Crawling a practice site at ${practice.url}, twice.\nEach of its pages takes 0.1 s to come.\n\n`
      )
    }
    const options = { ...asked, signal: stop.signal }
    const isFine =
      practice || asked.compare
        ? await runCompare(practice?.url ?? asked.url!, options, file, stdout)
        : await runOnce(asked.url!, options, file ?? stdout, file === undefined)
    if (practice && isFine) await stdout.write(practiceNotes)
    return signalCode ?? (isFine ? 0 : FAILURE)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await practice?.close()
    await file?.close()
  }
}

const practiceNotes = `The errors are there on purpose: dead links, a page that fails, a file that is no HTML.

Now a site of your own: crawl URL, or here: npm start -- URL
`

type Options = Arguments & { signal: AbortSignal }

async function runOnce(url: string, options: Options, output: LineOutput, isStdout: boolean): Promise<boolean> {
  const sharesTerminal = isStdout && process.stdout.isTTY && process.stderr.isTTY
  const run = await runCrawl(url, options, { stderr: process.stderr, sharesTerminal }, result =>
    output.write(toJsonLine(result))
  )
  process.stderr.write(`${run.summary.join('\n')}\n`)
  return run.failure === null
}

async function runCompare(
  url: string,
  options: Options,
  file: LineOutput | undefined,
  stdout: LineOutput
): Promise<boolean> {
  const { isSame, failure, lines } = await compare(url, options, { stderr: process.stderr }, async result => {
    await file?.write(toJsonLine(result))
  })
  await stdout.write(`${lines.join('\n')}\n`)
  return isSame && failure === null
}

/** @throws UsageError for what `crawl()` would not take */
function checkPlan(url: string, options: Arguments): void {
  try {
    plan(url, options)
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

function complain(message: string): void {
  process.stderr.write(`crawl: ${message}\n`)
}

process.exitCode = await main(process.argv.slice(2))
