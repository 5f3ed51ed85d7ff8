import type { Problem } from '../report/problems.ts'
import { escapeMarkup } from './markup.ts'

/**
 * Returns a JUnit report: one test case for each page, and a failure for each broken page.
 * @param pages the URLs of all pages
 * @param elapsedMs the duration of the crawl
 */
export function toJunit(
  site: string,
  pages: Iterable<string>,
  problems: readonly Problem[],
  elapsedMs: number
): string {
  const broken = new Map(problems.filter(({ isBroken }) => isBroken).map(problem => [problem.url, problem]))
  const cases: string[] = []
  for (const url of pages) {
    const problem = broken.get(url)
    const start = `    <testcase classname="${escapeMarkup(site)}" name="${escapeMarkup(url)}"`
    if (!problem) {
      cases.push(`${start}/>`)
      continue
    }
    const { error, sources, sourceCount } = problem
    const more = sourceCount > sources.length ? [`and ${sourceCount - sources.length} more`] : []
    const text = [error, ...sources.map(source => `linked from ${source}`), ...more].join('\n')
    cases.push(
      `${start}>`,
      `      <failure message="${escapeMarkup(error)}">${escapeMarkup(text)}</failure>`,
      '    </testcase>'
    )
  }
  const total = cases.filter(line => line.includes('<testcase')).length
  const counts = `tests="${total}" failures="${broken.size}" errors="0" time="${(elapsedMs / 1000).toFixed(3)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="crawl" ${counts}>`,
    `  <testsuite name="${escapeMarkup(site)}" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    ''
  ].join('\n')
}
