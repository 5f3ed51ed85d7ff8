/** The page of the dashboard. */
import type { Hello, Tick } from '../src/live/messages.ts'
import { Chart, type Line } from './charts.js'
import { byId, element } from './dom.js'
import { showFailures } from './failures.js'
import { type FeedState, follow } from './feed.js'
import { bytes, milliseconds, rate } from './format.js'
import { Pause } from './pause.js'
import { showDetails, showFamily, showMaps, showPools, showTiles } from './sections.js'
import { type Point, Store } from './store.js'
import { Timeline } from './timeline.js'

const SPANS = [2, 5, 10, 30, 60]
const MOST_LINES = 12
const STATES: Readonly<Record<FeedState | 'paused', string>> = {
  connecting: 'connecting',
  live: 'live',
  silent: 'the program is busy: it does not answer',
  ended: 'the program has ended',
  paused: 'paused'
}

const store = new Store()
const details = byId('details')
const timeline = new Timeline(byId<HTMLCanvasElement>('lanes'), byId('summary'), store, task =>
  showDetails(details, task, store)
)
const throughput = new Chart(byId('throughput'), value => `${rate(value)}/s`)
const latency = new Chart(byId('latency'), milliseconds)
const memory = new Chart(byId('memory'), bytes)
const pause = new Pause(() => {
  showState()
  draw()
})
let state: FeedState = 'connecting'

follow<Hello, Tick>({
  hello(hello) {
    store.begin(hello)
    byId('program').textContent = `${hello.command} (process ${hello.pid}, Node ${hello.node})`
    document.title = `${hello.pid} – multiprocess`
    draw()
  },
  tick(tick) {
    store.add(tick)
    draw()
  },
  state(next) {
    state = next
    showState()
  }
})

function showState(): void {
  const shown = pause.isOn && state === 'live' ? 'paused' : state
  const place = byId('state')
  place.dataset['state'] = shown
  place.textContent = STATES[shown]
}

/** While the page is paused, or cannot be seen, it goes on to listen, and draws nothing. */
function draw(): void {
  if (pause.isOn || document.hidden) return
  timeline.end = store.clock
  timeline.draw()
  showTiles(store)
  showMaps(store)
  showFailures(store)
  showPools(store)
  showFamily(store)
  drawCharts(store.points)
  byId('share').textContent = store.share > 1 ? `one task in ${store.share} is shown: there are very many` : ''
}

function drawCharts(points: readonly Point[]): void {
  const times = points.map(({ time }) => time)
  const list = (of: (point: Point) => number | null) => points.map(of)
  throughput.draw(
    [
      { label: 'done', colour: 'c1' },
      { label: 'failed', colour: 'bad' }
    ],
    times,
    [list(({ done }) => done), list(({ failed }) => failed)]
  )
  latency.draw(
    [
      { label: 'waited, median', colour: 'c4' },
      { label: 'waited, 99 %', colour: 'c4', isDashed: true },
      { label: 'ran, median', colour: 'c2' },
      { label: 'ran, 99 %', colour: 'c2', isDashed: true }
    ],
    times,
    [list(p => p.wait50), list(p => p.wait99), list(p => p.run50), list(p => p.run99)]
  )
  const pids = [...new Set(points.flatMap(point => [...point.memory.keys()]))].slice(-MOST_LINES)
  const lines: Line[] = pids.map((pid, i) => ({ label: String(pid), colour: `c${(i % 6) + 1}`, isDashed: i >= 6 }))
  memory.draw(
    lines,
    times,
    pids.map(pid => list(point => point.memory.get(pid) ?? null))
  )
}

const spans = byId('spans')
function setSpan(seconds: number): void {
  timeline.span = seconds * 1000
  for (const button of spans.querySelectorAll('button')) {
    button.setAttribute('aria-pressed', String(button.dataset['seconds'] === String(seconds)))
  }
  timeline.draw()
}
for (const seconds of SPANS) {
  const button = element('button', { type: 'button', 'data-seconds': String(seconds) }, `${seconds} s`)
  button.addEventListener('click', () => setSpan(seconds))
  spans.append(button)
}
setSpan(10)

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const step = { '+': -1, '=': -1, '-': 1, '−': 1 }[event.key]
  if (step === undefined) return
  const at = SPANS.indexOf(timeline.span / 1000) + step
  setSpan(SPANS[Math.max(0, Math.min(SPANS.length - 1, at))])
})
document.addEventListener('visibilitychange', draw)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  timeline.draw()
  for (const chart of [throughput, latency, memory]) chart.redraw()
})
