/** Lines over time, by uPlot, in the colours of the style sheet. */
import uPlot from 'uplot'
import { colour } from './dom.js'

export interface Line {
  readonly label: string
  /** A colour of the style sheet. */
  readonly colour: string
  readonly isDashed?: boolean
}

const HEIGHT = 190
const LEAST_WIDTH = 120

export class Chart {
  readonly #place: HTMLElement
  readonly #show: (value: number) => string
  #lines: readonly Line[] = []
  #data: uPlot.AlignedData = [[]]
  #plot: uPlot | undefined

  /** @param show a value as text */
  constructor(place: HTMLElement, show: (value: number) => string) {
    this.#place = place
    this.#show = show
    new ResizeObserver(() => this.#plot?.setSize(this.#size)).observe(place)
  }

  get #size(): { width: number; height: number } {
    return { width: Math.max(LEAST_WIDTH, this.#place.clientWidth), height: HEIGHT }
  }

  /** @param times seconds since 1970 @param values one list a line; null: nothing is known */
  draw(lines: readonly Line[], times: readonly number[], values: readonly (readonly (number | null)[])[]): void {
    this.#data = [[...times], ...values.map(list => [...list])]
    const isSame = JSON.stringify(lines) === JSON.stringify(this.#lines)
    if (isSame && this.#plot !== undefined) {
      this.#plot.setData(this.#data)
      return
    }
    this.#lines = lines
    this.redraw()
  }

  /** With other lines, or in other colours. */
  redraw(): void {
    this.#plot?.destroy()
    this.#place.replaceChildren()
    const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
    const font = '11px system-ui, sans-serif'
    this.#plot = new uPlot(
      {
        ...this.#size,
        cursor: { y: false },
        legend: { live: true },
        scales: { y: { range: (_, __, most) => [0, (most ?? 0) > 0 ? most * 1.1 : 1] } },
        axes: [
          { ...axis, font, size: 26, values: (_, ticks) => ticks.map(clockTime) },
          { ...axis, font, size: 62, values: (_, ticks) => ticks.map(tick => this.#show(tick)) }
        ],
        series: [
          { label: 'time', value: (_, time) => (time === null ? '–' : clockTime(time)) },
          ...this.#lines.map(({ label, colour: name, isDashed }) => ({
            label,
            stroke: colour(name),
            width: 1.75,
            ...(isDashed ? { dash: [4, 3] } : {}),
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : this.#show(value))
          }))
        ]
      },
      this.#data,
      this.#place
    )
  }
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB')
}
