import type { Problem } from '../report/problems.ts'
import { forTerminal } from './terminal-text.ts'
import { count } from './text.ts'

/** The number of pages that are named with a problem; further ones are only counted. */
const MOST_SOURCES = 2

/**
 * Returns the pages on which a problem was found: `/a, /b (+12)`.
 * @param shorten makes a URL shorter
 */
export function sourceList({ sources, sourceCount, isStart }: Problem, shorten: (url: string) => string): string {
  if (sourceCount === 0) return isStart ? 'the first page' : 'no page'
  const shown = sources.slice(0, MOST_SOURCES)
  const more = sourceCount - shown.length
  return shown.map(shorten).join(', ') + (more > 0 ? ` (+${more})` : '')
}

/**
 * Returns problems for a terminal, one on a line: `404 /old <- /a, /b (+12)`.
 * @param site the URL of the first page: URLs of its origin are shown without the origin
 */
export function problemLines(problems: readonly Problem[], site: string): string[] {
  const shorten = shortener(site)
  const targets = problems.map(problem => `${problem.label} ${shorten(problem.url)}`)
  const width = Math.min(60, Math.max(0, ...targets.map(({ length }) => length)))
  return problems.map((problem, index) => `${targets[index].padEnd(width)}  <- ${sourceList(problem, shorten)}`)
}

/** Returns problems for a terminal, grouped by their kind, broken pages first. */
export function groupedProblems(problems: readonly Problem[], site: string, mostInGroup = 20): string[] {
  const groups = new Map<string, Problem[]>()
  for (const problem of problems) {
    const group = groups.get(problem.kind)
    if (group) group.push(problem)
    else groups.set(problem.kind, [problem])
  }
  const sorted = [...groups].sort(
    ([, a], [, b]) => Number(b[0].isBroken) - Number(a[0].isBroken) || b.length - a.length
  )
  return sorted.flatMap(([kind, members]) => {
    const lines = problemLines(members.slice(0, mostInGroup), site).map(line => `  ${line}`)
    const more = members.length - lines.length
    return [`${kind} (${count(members.length, 'page')})`, ...lines, ...(more > 0 ? [`  and ${more} more`] : []), '']
  })
}

function shortener(site: string): (url: string) => string {
  const { origin } = new URL(site)
  return url => forTerminal(url.startsWith(`${origin}/`) ? url.slice(origin.length) : url)
}
