/** The page of a crawl. */
import { Chart } from 'multiprocess/page/charts.js'
import { byId, element } from 'multiprocess/page/dom.js'
import { type FeedState, follow } from 'multiprocess/page/feed.js'
import { count, milliseconds, rate } from 'multiprocess/page/format.js'
import { Pause } from 'multiprocess/page/pause.js'
import type { CrawlHello, CrawlTick } from '../src/ui/messages.ts'
import { showEnd, showHosts, showProblems, showSlowest, showTiles, showTraps, showVisits } from './sections.js'
import { Store } from './store.js'

const STATES: Readonly<Record<FeedState | 'paused' | 'done' | 'ready', string>> = {
  connecting: 'connecting',
  live: 'crawling',
  silent: 'the crawl is busy: it does not answer',
  ended: 'the program has ended',
  paused: 'the page is paused',
  done: 'the crawl has ended',
  ready: 'the crawl has not begun'
}

const store = new Store()
const charts = {
  rate: new Chart(byId('rate'), value => `${rate(value)}/s`),
  answers: new Chart(byId('answers'), milliseconds),
  frontier: new Chart(byId('frontier'), count)
}
const pause = new Pause(() => {
  showState()
  draw()
})
let state: FeedState = 'connecting'

follow<CrawlHello, CrawlTick>({
  hello(hello) {
    store.begin(hello)
    byId('program').replaceChildren(element('bdi', {}, hello.start), ` (crawl ${hello.version}, process ${hello.pid})`)
    document.title = `${hello.start} – crawl`
    draw()
  },
  tick(tick) {
    store.add(tick)
    showState()
    draw()
  },
  state(next) {
    state = next
    showState()
  }
})

function shownState(): keyof typeof STATES {
  if (state !== 'live') return state
  if (store.hasEnded) return 'done'
  if (pause.isOn) return 'paused'
  return store.tick?.state === 'ready' ? 'ready' : 'live'
}

function showState(): void {
  const place = byId('state')
  const shown = shownState()
  if (place.dataset['state'] === shown) return
  place.dataset['state'] = shown
  place.textContent = STATES[shown]
}

/** While the page is paused, or cannot be seen, it goes on to listen, and draws nothing. */
function draw(): void {
  if (pause.isOn || document.hidden) return
  showEnd(store)
  showTiles(store)
  drawCharts()
  showProblems(store)
  showHosts(store)
  showVisits(store)
  showSlowest(store)
  showTraps(store)
}

function drawCharts(): void {
  const { tick, width } = store
  if (tick === undefined) return
  // What is not over yet would look like a fall.
  const isLastOver = store.hasEnded || tick.elapsedMs >= store.points.length * width
  const points = isLastOver ? store.points : store.points.slice(0, -1)
  const times = points.map((_, index) => (tick.begin + index * width) / 1000)
  const each = (ms: number) => (ms * 1000) / width
  charts.rate.draw(
    [
      { label: 'pages', colour: 'c1' },
      { label: 'errors', colour: 'bad', isDashed: true }
    ],
    times,
    [points.map(point => each(point.pages)), points.map(point => each(point.errors))]
  )
  charts.answers.draw(
    [
      { label: 'mean', colour: 'c2' },
      { label: 'slowest', colour: 'c4', isDashed: true }
    ],
    times,
    [
      points.map(({ answerMs, answers }) => (answers === 0 ? null : answerMs / answers)),
      points.map(({ answers, slowestMs }) => (answers === 0 ? null : slowestMs))
    ]
  )
  let done = 0
  charts.frontier.draw(
    [
      { label: 'waiting', colour: 'c4' },
      { label: 'done', colour: 'c1' }
    ],
    times,
    [points.map(({ waiting }) => waiting), points.map(({ pages }) => (done += pages))]
  )
}

document.addEventListener('visibilitychange', draw)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of Object.values(charts)) chart.redraw()
})
