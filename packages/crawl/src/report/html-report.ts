import { escapeMarkup } from '../format/markup.ts'
import { byteSize, count, seconds } from '../format/text.ts'
import { version } from '../version.ts'
import type { Audit, DuplicateGroup, PageRow } from './audit.ts'
import { barChart, graphChart } from './charts.ts'
import { htmlLink, htmlPage, htmlTable, type Section } from './html-page.ts'
import type { Problem } from './problems.ts'

/** The maximum number of pages in the link graph. */
export const GRAPH_PAGES = 500
const MOST_SLOW = 20
/** The bounds between the bars of a histogram. */
const TIME_STEPS = [50, 100, 200, 500, 1000, 2000, 5000, 10_000]
const SIZE_STEPS = [1000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000]

/** Returns the report on a crawl as one file of HTML that opens from disk. */
export function htmlReport(audit: Audit): string {
  const { start, endedAt, waiting } = audit
  const problems = audit.problems()
  const when = endedAt === null ? '' : `, ${endedAt.slice(0, 16).replace('T', ' ')} UTC`
  const rest = waiting > 0 ? ` The crawl is not complete: ${count(waiting, 'known page')} not visited.` : ''
  const intro = `<p>${count(audit.pages, 'page')} crawled${when} by crawl ${version}.${rest}</p>`
  return htmlPage(start, intro, [
    overview(audit, problems),
    problemSection(problems, start),
    redirectSection(audit),
    duplicateSection(audit),
    titleSection(audit),
    slowSection(audit),
    sizeSection(audit),
    depthSection(audit),
    graphSection(audit)
  ])
}

function overview(audit: Audit, problems: readonly Problem[]): Section {
  const broken = problems.filter(({ isBroken }) => isBroken).length
  const times = audit.values('downloadMs')
  const sizes = audit.values('bytes')
  const tiles: [string, string, string?][] = [
    ['Pages', audit.pages.toLocaleString('en')],
    ['Broken', broken.toLocaleString('en'), broken > 0 ? 'bad' : 'good'],
    ['Other problems', (problems.length - broken).toLocaleString('en'), problems.length > broken ? 'warn' : 'good'],
    ['Download, median', seconds(at(times, 0.5))],
    ['Download, 95 %', seconds(at(times, 0.95))],
    ['Size, median', byteSize(at(sizes, 0.5))],
    ['Size of all', byteSize(sizes.reduce((sum, bytes) => sum + bytes, 0))],
    ['Time of the crawl', seconds(audit.elapsedMs)]
  ]
  const list = tiles.map(
    ([name, value, mark]) => `<div><dt>${name}</dt><dd${mark ? ` class="${mark}"` : ''}>${value}</dd></div>`
  )
  const statuses = audit
    .statuses()
    .map(({ status, number }) => [status === null ? 'no answer' : String(status), number] as const)
  return {
    id: 'overview',
    title: 'Overview',
    body: `<dl class="tiles">${list.join('')}</dl><h3>Answers</h3>${barChart(statuses)}`
  }
}

function problemSection(problems: readonly Problem[], site: string): Section {
  const sorted = [...problems].sort((a, b) => Number(b.isBroken) - Number(a.isBroken) || b.sourceCount - a.sourceCount)
  const rows = sorted.map(problem => [
    `<span class="${problem.isBroken ? 'bad' : 'warn'}">${escapeMarkup(problem.label)}</span>`,
    `${htmlLink(problem.url, site)}<br><small>${escapeMarkup(problem.error)}</small>`,
    sourceCell(problem, site)
  ])
  const body = htmlTable(['What', 'URL', 'Found on'], rows, 'No problems were found.')
  return { id: 'problems', title: 'Problems', count: problems.length, body }
}

function sourceCell({ sources, sourceCount, isStart }: Problem, site: string): string {
  if (sourceCount === 0) return isStart ? 'the first page' : 'no page'
  if (sourceCount <= 2) return sources.map(source => htmlLink(source, site)).join('<br>')
  const items = sources.map(source => `<li>${htmlLink(source, site)}</li>`).join('')
  const more =
    sourceCount > sources.length ? `<li>and ${(sourceCount - sources.length).toLocaleString('en')} more</li>` : ''
  return `<details><summary>${sourceCount.toLocaleString('en')} pages</summary><ul>${items}${more}</ul></details>`
}

function redirectSection(audit: Audit): Section {
  const redirects = audit.redirects()
  const rows = redirects.map(({ url, status, target, links }) => [
    String(status),
    htmlLink(url, audit.start),
    htmlLink(target, audit.start),
    links.toLocaleString('en')
  ])
  const body = htmlTable(['Status#', 'URL', 'Leads to', 'Linked from#'], rows, 'No redirects were met.')
  return { id: 'redirects', title: 'Redirects', count: redirects.length, body }
}

function duplicateSection(audit: Audit): Section {
  const content = audit.sameContent()
  const canonical = audit.sameCanonical()
  const hashes = groupTable(
    content,
    ({ key }) => `<code>${escapeMarkup(key.slice(0, 12))}</code>`,
    'Content',
    audit.start
  )
  const canonicals = groupTable(canonical, ({ key }) => htmlLink(key, audit.start), 'Canonical page', audit.start)
  return {
    id: 'duplicates',
    title: 'Duplicates',
    count: content.length + canonical.length,
    body: `<h3>The same content under several URLs</h3>${hashes}<h3>Pages that name another one as canonical</h3>${canonicals}`
  }
}

function titleSection(audit: Audit): Section {
  const titles = audit.sameTitle()
  const missing = (['titleTag', 'description', 'h1'] as const).map(field => {
    const urls = audit.without(field)
    const name = { titleTag: 'title', description: 'description', h1: 'h1' }[field]
    return [`<code>${name}</code>`, urls.length.toLocaleString('en'), urlList(urls, audit.start)]
  })
  const same = groupTable(titles, ({ key }) => escapeMarkup(key), 'Title', audit.start)
  const rows = missing.filter(([, number]) => number !== '0')
  const body = `<h3>Pages without</h3>${htmlTable(['What', 'Pages#', 'URLs'], rows)}<h3>The same title on several pages</h3>${same}`
  return { id: 'titles', title: 'Titles', count: titles.length, body }
}

function slowSection(audit: Audit): Section {
  const histogram = barChart(histogramOf(audit.values('downloadMs'), TIME_STEPS, seconds))
  const rows = valueRows(audit.greatest('downloadMs', MOST_SLOW), seconds, audit.start)
  return {
    id: 'slow',
    title: 'Slow pages',
    body: `${histogram}<h3>The slowest</h3>${htmlTable(['Time#', 'URL'], rows)}`
  }
}

function sizeSection(audit: Audit): Section {
  const histogram = barChart(histogramOf(audit.values('bytes'), SIZE_STEPS, byteSize))
  const rows = valueRows(audit.greatest('bytes', MOST_SLOW), byteSize, audit.start)
  return { id: 'sizes', title: 'Sizes', body: `${histogram}<h3>The largest</h3>${htmlTable(['Size#', 'URL'], rows)}` }
}

function depthSection(audit: Audit): Section {
  const bars = audit.depths().map((number, depth) => [count(depth, 'link'), number] as const)
  return { id: 'depths', title: 'Depth', body: `<p>Links from the first page.</p>${barChart(bars)}` }
}

function graphSection(audit: Audit): Section {
  const graph = audit.graph(GRAPH_PAGES)
  const shown =
    graph.nodes.length < audit.pages ? `The first ${graph.nodes.length} of ${count(audit.pages, 'page')}. ` : ''
  const body =
    graph.nodes.length === 0
      ? htmlTable([], [])
      : `<p>${shown}${count(graph.edges.length, 'link')} between them.</p>${graphChart(graph)}`
  return { id: 'graph', title: 'Link graph', body }
}

function groupTable(
  groups: readonly DuplicateGroup[],
  name: (group: DuplicateGroup) => string,
  column: string,
  site: string
): string {
  const rows = groups.map(group => [name(group), group.urls.length.toLocaleString('en'), urlList(group.urls, site)])
  return htmlTable([column, 'Pages#', 'URLs'], rows)
}

function urlList(urls: readonly string[], site: string): string {
  if (urls.length <= 2) return urls.map(url => htmlLink(url, site)).join('<br>')
  const items = urls.slice(0, 100).map(url => `<li>${htmlLink(url, site)}</li>`)
  if (urls.length > items.length) items.push(`<li>and ${(urls.length - items.length).toLocaleString('en')} more</li>`)
  return `<details><summary>${htmlLink(urls[0], site)} …</summary><ul>${items.join('')}</ul></details>`
}

function valueRows(rows: readonly PageRow[], format: (value: number) => string, site: string): string[][] {
  return rows.map(({ url, value }) => [format(value), htmlLink(url, site)])
}

/** Returns the number of values between each bound and the one before. */
function histogramOf(
  values: readonly number[],
  steps: readonly number[],
  format: (value: number) => string
): [string, number][] {
  const counts = [...steps, 0].map(() => 0)
  for (const value of values) {
    const place = steps.findIndex(step => value < step)
    counts[place < 0 ? steps.length : place]++
  }
  return counts.map((number, place) => [
    place === steps.length ? `${format(steps[place - 1])} and more` : `below ${format(steps[place])}`,
    number
  ])
}

/** Returns the value that a share of the ascending values does not exceed. */
function at(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
}
