/** The parts of the page below the charts. Texts are always texts: nothing that a site says becomes markup. */
import { byId, type Column, element, showTable, tile } from 'multiprocess/page/dom.js'
import { count, milliseconds, rate, seconds } from 'multiprocess/page/format.js'
import type { CrawlState, HostRow, ProblemRow, SlowRow, TrapRow, VisitRow } from '../src/ui/messages.ts'
import type { Store } from './store.js'

const ENDINGS: Readonly<Record<CrawlState, string>> = {
  ready: '',
  running: '',
  complete: 'The crawl is complete.',
  limit: 'The crawl has ended at its limit.',
  interrupted: 'The crawl was ended before all pages were visited.'
}

const REASONS: Readonly<Record<HostRow['reason'], string>> = {
  none: '',
  robots: 'robots.txt asks for it',
  option: '--rate or --delay',
  latency: 'follows the time of its answers',
  complaint: 'it said: too many requests'
}

/** A link to a page of the site, without its origin where that is the crawl's own. It is a text of its own for the direction of writing. */
function address(url: string, { hello }: Store): HTMLElement {
  const origin = hello === undefined ? '' : new URL(hello.start).origin
  const text = element('bdi', {}, url.startsWith(`${origin}/`) ? url.slice(origin.length) : url)
  const isPage = /^https?:\/\//.test(url) && !url.endsWith('…') && URL.canParse(url)
  return isPage ? element('a', { href: url, rel: 'noreferrer', target: '_blank' }, text) : text
}

export function showTiles(store: Store): void {
  const { tick, hello } = store
  if (tick === undefined || hello === undefined) return
  const { pages, errors, waiting, underWay, seen, bytes, disallowed, retries, workers } = tick.counts
  const most = hello.limit === null ? 'pages' : `pages, at most ${count(hello.limit)}`
  const tiles = [
    tile(count(pages), most),
    tile(rate(store.rate), store.hasEnded ? 'pages a second' : 'pages a second, now'),
    tile(count(errors), pages === 0 ? 'errors' : `errors, ${((errors / pages) * 100).toFixed(1)} %`, errors > 0),
    tile(count(waiting), 'waiting'),
    tile(count(underWay), 'under way'),
    tile(count(seen), 'seen'),
    tile(size(bytes), 'downloaded'),
    tile(seconds(tick.elapsedMs / 1000), store.hasEnded ? 'in all' : 'so far')
  ]
  if (workers > 0) tiles.push(tile(count(workers), workers === 1 ? 'worker' : 'workers'))
  if (retries > 0) tiles.push(tile(count(retries), 'asked again'))
  if (disallowed > 0) tiles.push(tile(count(disallowed), 'disallowed by robots.txt'))
  byId('tiles').replaceChildren(...tiles)
}

/** What is shown once the crawl has ended: how, and the report. */
export function showEnd(store: Store): void {
  const place = byId('end')
  const { tick } = store
  if (tick === undefined || !store.hasEnded) {
    place.hidden = true
    return
  }
  const key = JSON.stringify([tick.state, tick.hasReport, tick.summary])
  if (place.dataset['key'] === key) return
  place.dataset['key'] = key
  place.hidden = false
  const report = tick.hasReport
    ? element(
        'p',
        { class: 'actions' },
        element('a', { id: 'report', class: 'button main', href: '/report.html' }, 'Open the report'),
        element('a', { class: 'button', href: '/report-file.html', download: 'report.html' }, 'Save the report')
      )
    : null
  const summary = tick.summary.length === 0 ? null : element('pre', {}, element('bdi', {}, tick.summary.join('\n')))
  place.replaceChildren(element('h2', {}, ENDINGS[tick.state]), ...[summary, report].filter(part => part !== null))
}

export function showHosts(store: Store): void {
  const { hosts = [], moreHosts = 0 } = store.tick ?? {}
  const columns: Column<HostRow>[] = [
    { title: 'host', of: ({ host }) => host },
    { title: 'pages', isNumber: true, of: ({ pages }) => count(pages) },
    { title: 'errors', isNumber: true, of: ({ errors }) => count(errors), isBad: ({ errors }) => errors > 0 },
    { title: '95 % answer in', isNumber: true, of: ({ p95Ms }) => (p95Ms === 0 ? '–' : milliseconds(p95Ms)) },
    {
      title: 'between requests',
      isNumber: true,
      of: ({ pauseMs }) => (pauseMs === 0 ? 'no pause' : milliseconds(pauseMs))
    },
    {
      title: 'why',
      of: ({ reason, restsMs }) =>
        restsMs === 0 ? REASONS[reason] : `it asked for a rest: ${Math.ceil(restsMs / 1000)} s more`,
      isBad: ({ restsMs }) => restsMs > 0
    }
  ]
  showTable(byId('hosts'), columns, hosts, 'No host was asked yet.')
  byId('hosts-note').textContent = moreHosts === 0 ? '' : `and ${count(moreHosts)} more with fewer pages`
}

export function showVisits(store: Store): void {
  const columns: Column<VisitRow>[] = [
    { title: 'for', isNumber: true, of: ({ ms }) => seconds(ms / 1000) },
    { title: 'page', of: ({ url }) => address(url, store) }
  ]
  showTable(byId('visits'), columns, store.tick?.underWay ?? [], store.hasEnded ? 'None any more.' : 'None.')
}

export function showSlowest(store: Store): void {
  const columns: Column<SlowRow>[] = [
    { title: 'took', isNumber: true, of: ({ downloadMs }) => milliseconds(downloadMs) },
    {
      title: 'first byte',
      isNumber: true,
      of: ({ firstByteMs }) => (firstByteMs === null ? '–' : milliseconds(firstByteMs))
    },
    { title: 'size', isNumber: true, of: ({ bytes }) => size(bytes) },
    { title: 'page', of: ({ url }) => address(url, store) }
  ]
  showTable(byId('slowest'), columns, store.tick?.slowest ?? [], 'No page has come yet.')
}

export function showProblems(store: Store): void {
  const columns: Column<ProblemRow>[] = [
    { title: 'after', isNumber: true, of: ({ at }) => seconds(at / 1000) },
    { title: 'what', of: ({ label }) => label, isBad: ({ isBroken }) => isBroken },
    { title: 'page', of: ({ url }) => address(url, store) },
    { title: 'why', of: ({ error }) => element('bdi', {}, error) },
    { title: 'found on', of: ({ from }) => (from === null ? 'the first page' : address(from, store)) }
  ]
  const none = store.hasEnded ? 'No problems were found.' : 'No problem so far.'
  showTable(byId('problems'), columns, store.problems, none)
  const left = (store.tick?.problemCount ?? 0) - store.problems.length
  byId('problems-note').textContent =
    left > 0 ? `The newest ${count(store.problems.length)}; ${count(left)} before them.` : ''
}

export function showTraps(store: Store): void {
  const traps = store.tick?.traps ?? []
  byId('traps').hidden = traps.length === 0
  const columns: Column<TrapRow>[] = [
    { title: 'kind', of: ({ kind }) => kind },
    { title: 'links', isNumber: true, of: ({ links }) => count(links) },
    { title: 'such as', of: ({ example }) => address(example, store) }
  ]
  showTable(byId('trap-rows'), columns, traps, '')
}

/** Bytes as the command shows them. */
function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} kB`
  return bytes < 999_950_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}
