import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { CHECK_FORMATS, type CheckFlags, checkCommand } from './check-command.ts'
import { type Context, type CrawlCommandFlags, crawlCommand } from './crawl-command.ts'
import { addCrawlOptions } from './crawl-options.ts'
import { practiceCommand } from './practice-command.ts'
import { diffCommand, reportCommand, whyCommand } from './report-command.ts'
import { completeUi, readAddress } from './ui.ts'
import { UsageError } from './usage-error.ts'
import { oneOf, readSeconds, whole } from './values.ts'

const NOTES = `
On a terminal, problems are shown at the end, with the pages they were found on; a pipe gets
one line of JSON for each page. Without a URL, a small practice site is served on this computer.
Ctrl-C ends the crawl with what it has. Progress and summary go to the standard error.
`

/**
 * Runs a command line.
 * @param args the arguments without the program's name
 * @returns true if the command found everything in order
 * @throws UsageError if the command line is invalid
 */
export async function runProgram(args: readonly string[], context: Context): Promise<boolean> {
  let isFine = true
  const texts: string[] = []
  const set = (outcome: boolean) => {
    isFine = outcome
  }
  const program = makeProgram(context, set)
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeOut: text => texts.push(text), writeErr: () => {} })
  }
  try {
    await program.parseAsync(completeUi(args), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw new UsageError(error.message.replace(/^error: /, '').replace(/\n/g, ' '))
  }
  if (texts.length > 0) await context.stdout.write(texts.join(''))
  return isFine
}

function makeProgram(context: Context, set: (isFine: boolean) => void): Command {
  const program = new Command('crawl')
    .description('Visits the pages of a site, tells what is wrong with it, and keeps what it finds.')
    .version(version, '--version', 'show the version')
    .helpOption('-h, --help', 'show this')
    .enablePositionalOptions()
    .argument('[url]', 'the first page')
    .allowExcessArguments()
    .addHelpText('after', NOTES)
  addCrawlOptions(program)
    .option('--ui [port]', 'show the crawl on a page in the browser, and stay until Ctrl-C (a free port)', readAddress)
    .option('--compare', 'crawl one page after another first, then with the pool, and show both times')
    .option('--cluster <url>', 'crawl together with other machines, over a Redis server (redis://… or rediss://…)')
    .option('--name <name>', "with --cluster: machines with the same name crawl together (the first page's)")
    .option(
      '--lease <s>',
      'with --cluster: seconds without a sign of a machine before others take over (30)',
      readSeconds('--lease')
    )
    .action(async (url: string | undefined, flags: CrawlCommandFlags, command: Command) => {
      checkOneUrl(command.args)
      set(await crawlCommand(url, flags, context))
    })

  const check = program
    .command('check')
    .description('crawl, and tell the broken links; exit with 1 if there are any')
    .argument('[url]', 'the first page')
    .allowExcessArguments()
  addCrawlOptions(check)
    .option('--format <format>', 'text, json, junit or github', oneOf('--format', CHECK_FORMATS), 'text')
    .action(async (url: string | undefined, flags: CheckFlags, command: Command) => {
      checkOneUrl(command.args)
      set(await checkCommand(url, flags, context))
    })

  program
    .command('report')
    .description('make a page of HTML from a crawl that --out has kept')
    .argument('<file>', 'such as site.db')
    .option('-o, --out <file>', 'where to; - is the standard output (the same name, with .html)')
    .action(async (file: string, flags: { out?: string }) => set(await reportCommand(file, flags, context)))

  program
    .command('diff')
    .description('tell how two crawls of a site differ')
    .argument('<before>', 'such as monday.db')
    .argument('<after>', 'such as friday.db')
    .option('--format <format>', 'text or json', oneOf('--format', ['text', 'json']), 'text')
    .option('--exit-code', 'exit with 1 if they differ')
    .action(async (before: string, after: string, flags: { format: 'text' | 'json'; exitCode?: boolean }) =>
      set(await diffCommand(before, after, flags, context))
    )

  program
    .command('why')
    .description('tell whether a URL was fetched, by which rule it was not, and where it was found')
    .argument('<file>', 'such as site.db')
    .argument('<url>', 'the URL, or its path')
    .action(async (file: string, url: string) => set(await whyCommand(file, url, context)))

  program
    .command('practice')
    .description('serve the practice site on this computer until Ctrl-C, to try the other commands on')
    .option('--port <n>', 'the port (8000)', whole('--port', 0), 8000)
    .action(async ({ port }: { port: number }) => set(await practiceCommand(port, context)))
  return program
}

function checkOneUrl(args: readonly string[]): void {
  if (args.length <= 1) return
  const list = args.map(text => JSON.stringify(text)).join(' and ')
  throw new UsageError(`one URL at a time: ${list} were given`)
}
