import { toGithub } from '../format/github.ts'
import { toJunit } from '../format/junit.ts'
import { problemLines } from '../format/problem-text.ts'
import { count } from '../format/text.ts'
import { Audit } from '../report/audit.ts'
import type { Problem } from '../report/problems.ts'
import { type Context, checkPlan } from './crawl-command.ts'
import { type CrawlFlags, toCrawlOptions } from './crawl-options.ts'
import { openDestination, openTemporary } from './destination.ts'
import { runCrawl } from './run-crawl.ts'
import { UsageError } from './usage-error.ts'

export const CHECK_FORMATS = ['text', 'json', 'junit', 'github'] as const
export type CheckFormat = (typeof CHECK_FORMATS)[number]

/** The options of `crawl check`. */
export interface CheckFlags extends CrawlFlags {
  format: CheckFormat
}

/**
 * `crawl check URL`: crawls, and reports the broken links.
 * @returns true if no link is broken
 */
export async function checkCommand(url: string | undefined, flags: CheckFlags, context: Context): Promise<boolean> {
  const options = { ...(await toCrawlOptions(flags)), signal: context.signal }
  const [start, ...urls] = [...(url === undefined ? [] : [url]), ...(options.urls ?? [])]
  if (start === undefined) throw new UsageError('crawl check needs a URL, or --list with a file of them')
  const planned = checkPlan(start, { ...options, urls })
  const { out, fresh = false, format } = flags
  const destination = out === undefined ? await openTemporary(planned) : await openDestination(out, planned, fresh)
  try {
    const run = await runCrawl(start, { ...options, urls }, { stderr: process.stderr }, undefined, destination)
    process.stderr.write(`${run.summary.join('\n')}\n`)
    if (!destination.pages) throw new UsageError('crawl check keeps its pages: --out must be a file')
    const audit = new Audit(destination.pages)
    const problems = audit.problems()
    await context.stdout.write(toText(format, audit, problems))
    return !problems.some(({ isBroken }) => isBroken) && run.failure === null
  } finally {
    await destination.close()
  }
}

function toText(format: CheckFormat, audit: Audit, problems: readonly Problem[]): string {
  const broken = problems.filter(({ isBroken }) => isBroken)
  switch (format) {
    case 'json':
      return `${JSON.stringify({ url: audit.start, pages: audit.pages, complete: audit.waiting === 0, broken: broken.map(toJson) }, null, 2)}\n`
    case 'junit':
      return toJunit(audit.start, audit.urls(), problems, audit.elapsedMs)
    case 'github':
      return toGithub(broken)
    case 'text': {
      const result = broken.length === 0 ? 'no broken link' : `${count(broken.length, 'broken link')}`
      return [...problemLines(broken, audit.start), `${result} among ${count(audit.pages, 'page')}`, ''].join('\n')
    }
  }
}

function toJson({ url, status, error, sources, sourceCount }: Problem): object {
  return { url, status, error, sources, sourceCount }
}
