/** The timeline: a row for each worker, with its life and its tasks. */
import type { TaskRow, WorkerRow } from '../src/live/messages.ts'
import { colour } from './dom.js'
import { firstAfter, type Store } from './store.js'

const ROW = 26
const BAR = 16
const AXIS = 20
const LABEL = 76
const FONT = '11px system-ui, sans-serif'
const MOST_LANES = 8
/** Functions are told apart by colour. */
const PALETTE = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6']

interface Box {
  readonly task: TaskRow
  readonly row: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface Row {
  readonly worker: WorkerRow
  readonly tasks: TaskRow[]
}

export const taskKey = ({ pool, id }: TaskRow): string => `${pool}:${id}`

export class Timeline {
  readonly #canvas: HTMLCanvasElement
  readonly #summary: HTMLElement
  readonly #store: Store
  readonly #onSelect: (task: TaskRow | undefined) => void
  #boxes: Box[] = []
  #rows: Row[] = []
  #selected: TaskRow | undefined
  /** Milliseconds from the left edge to the right one. */
  span = 10_000
  /** The right edge stands still while the page is paused. */
  end = 0

  /** @param summary says what the canvas shows */
  constructor(
    canvas: HTMLCanvasElement,
    summary: HTMLElement,
    store: Store,
    onSelect: (task: TaskRow | undefined) => void
  ) {
    this.#canvas = canvas
    this.#summary = summary
    this.#store = store
    this.#onSelect = onSelect
    canvas.addEventListener('click', event => this.#click(event))
    canvas.addEventListener('keydown', event => this.#key(event))
    new ResizeObserver(() => this.draw()).observe(canvas)
  }

  draw(): void {
    const { clientWidth: width } = this.#canvas
    if (width === 0) return
    const begin = this.end - this.span
    this.#rows = this.#findRows(begin)
    const height = AXIS + Math.max(1, this.#rows.length) * ROW + 4
    const scale = devicePixelRatio
    this.#canvas.style.height = `${height}px`
    this.#canvas.width = Math.round(width * scale)
    this.#canvas.height = Math.round(height * scale)
    const context = this.#canvas.getContext('2d') as CanvasRenderingContext2D
    context.scale(scale, scale)
    context.font = FONT
    context.textBaseline = 'middle'
    this.#drawAxis(context, width, height)
    this.#boxes = []
    if (this.#rows.length === 0) {
      context.fillStyle = colour('soft')
      context.fillText('no worker yet', LABEL, AXIS + ROW / 2)
    }
    const x = (clock: number) =>
      LABEL + ((Math.max(begin, Math.min(this.end, clock)) - begin) / this.span) * (width - LABEL)
    const palette = PALETTE.map(colour)
    const names = new Map<string, string>()
    for (const [index, row] of this.#rows.entries()) this.#drawRow(context, index, row, x, palette, names)
    const died = this.#rows.filter(({ worker }) => worker.exitcode !== null && worker.exitcode !== 0)
    const deaths = died.map(({ worker }) => `; worker ${worker.pid} died (exit code ${worker.exitcode})`).join('')
    this.#summary.textContent = `${this.#rows.length} workers and ${this.#boxes.length} tasks in ${this.span / 1000} seconds${deaths}`
  }

  #drawAxis(context: CanvasRenderingContext2D, width: number, height: number): void {
    const steps = Math.max(2, Math.min(10, Math.floor((width - LABEL) / 90)))
    context.lineWidth = 1
    for (let i = 0; i <= steps; i++) {
      const at = LABEL + ((width - LABEL) * i) / steps
      context.strokeStyle = colour('line')
      context.beginPath()
      context.moveTo(Math.min(width - 0.5, Math.round(at) + 0.5), AXIS - 4)
      context.lineTo(Math.min(width - 0.5, Math.round(at) + 0.5), height)
      context.stroke()
      const ago = (this.span * (1 - i / steps)) / 1000
      context.fillStyle = colour('soft')
      context.textAlign = i === steps ? 'right' : i === 0 ? 'left' : 'center'
      context.fillText(i === steps ? 'now' : `−${Number(ago.toFixed(1))} s`, at, 8)
    }
    context.textAlign = 'left'
  }

  /** Workers that have ended before what is shown are left out. */
  #findRows(begin: number): Row[] {
    const rows = new Map<string, Row>()
    for (const [key, worker] of this.#store.workers) {
      if ((worker.end === 0 || worker.end >= begin) && worker.start <= this.end) rows.set(key, { worker, tasks: [] })
    }
    const { tasks, running } = this.#store
    for (const task of [...tasks.slice(firstAfter(tasks, begin)), ...running]) {
      if (task.start === 0 || task.start > this.end) continue
      const key = `${task.pool}:${task.pid}`
      let row = rows.get(key)
      if (row === undefined) {
        row = { worker: { pool: task.pool, pid: task.pid, start: 0, end: 0, exitcode: null }, tasks: [] }
        rows.set(key, row)
      }
      row.tasks.push(task)
    }
    return [...rows.values()].sort((a, b) => a.worker.pool - b.worker.pool || a.worker.start - b.worker.start)
  }

  #drawRow(
    context: CanvasRenderingContext2D,
    index: number,
    { worker, tasks }: Row,
    x: (clock: number) => number,
    palette: readonly string[],
    names: Map<string, string>
  ): void {
    const top = AXIS + index * ROW + (ROW - BAR) / 2
    const right = x(worker.end === 0 ? this.end : worker.end)
    const left = x(worker.start)
    context.fillStyle = colour('idle')
    context.fillRect(left, top, Math.max(1, right - left), BAR)
    const hasDied = worker.exitcode !== null && worker.exitcode !== 0
    context.fillStyle = colour(hasDied ? 'bad' : 'soft')
    context.fillText(`${hasDied ? '✕ ' : ''}${worker.pid}`, 0, top + BAR / 2)
    const lanes: number[] = []
    const placed = tasks
      .sort((a, b) => a.start - b.start)
      .map(task => {
        const free = lanes.findIndex(end => end <= task.start)
        const lane = free < 0 ? Math.min(lanes.length, MOST_LANES - 1) : free
        lanes[lane] = task.end || Number.POSITIVE_INFINITY
        return { task, lane }
      })
    const height = BAR / Math.max(1, lanes.length)
    for (const { task, lane } of placed) {
      const from = x(task.start)
      const width = Math.max(1, x(task.end || this.end) - from - (lanes.length === 1 ? 0.5 : 0))
      const box = { task, row: index, x: from, y: top + lane * height, width, height: Math.max(1, height - 0.5) }
      this.#boxes.push(box)
      context.fillStyle = this.#fillOf(task, palette, names)
      context.fillRect(box.x, box.y, box.width, box.height)
      if (task.outcome === 'running') {
        context.globalAlpha = 0.45
        context.fillStyle = colour('card')
        context.fillRect(Math.max(box.x, box.x + box.width - 3), box.y, 3, box.height)
        context.globalAlpha = 1
      }
      if (height >= 10) label(context, task.name, box)
      if (this.#selected !== undefined && taskKey(task) === taskKey(this.#selected)) {
        context.strokeStyle = colour('text')
        context.lineWidth = 2
        context.strokeRect(box.x - 1, box.y - 1, box.width + 2, box.height + 2)
      }
    }
    if (!hasDied || worker.end === 0) return
    context.fillStyle = colour('bad')
    context.fillRect(right - 2, top - 3, 3, BAR + 6)
  }

  #fillOf(task: TaskRow, palette: readonly string[], names: Map<string, string>): string {
    if (task.outcome === 'error') return colour('bad')
    if (task.outcome === 'stopped') return colour('stopped')
    let found = names.get(task.name)
    if (found === undefined) {
      let hash = 0
      for (const char of task.name) hash = (hash * 31 + char.charCodeAt(0)) | 0
      found = palette[Math.abs(hash) % palette.length]
      names.set(task.name, found)
    }
    return found
  }

  select(task: TaskRow | undefined): void {
    this.#selected = task
    this.draw()
    this.#onSelect(task)
  }

  #click(event: MouseEvent): void {
    const { left, top } = this.#canvas.getBoundingClientRect()
    const [x, y] = [event.clientX - left, event.clientY - top]
    const inRow = this.#boxes.filter(box => y >= box.y - 3 && y <= box.y + box.height + 3)
    const distance = (box: Box) => Math.max(box.x - x, x - box.x - box.width, 0)
    const [nearest] = inRow.filter(box => distance(box) < 4).sort((a, b) => distance(a) - distance(b))
    this.select(nearest?.task)
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    const rows = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (step !== undefined) this.#move(step)
    else if (rows !== undefined) this.#changeRow(rows)
    else if (event.key === 'Escape') this.select(undefined)
    else return
    event.preventDefault()
  }

  get #current(): Box | undefined {
    const selected = this.#selected
    return selected === undefined ? undefined : this.#boxes.find(({ task }) => taskKey(task) === taskKey(selected))
  }

  #move(step: number): void {
    const current = this.#current
    const row = this.#boxes.filter(box => box.row === (current?.row ?? this.#boxes.at(-1)?.row))
    if (row.length === 0) return
    const at = current === undefined ? row.length - 1 : row.indexOf(current) + step
    this.select(row[Math.max(0, Math.min(row.length - 1, at))].task)
  }

  #changeRow(step: number): void {
    const current = this.#current
    if (current === undefined) {
      this.#move(0)
      return
    }
    for (let index = current.row + step; index >= 0 && index < this.#rows.length; index += step) {
      const row = this.#boxes.filter(box => box.row === index)
      if (row.length === 0) continue
      const distance = (box: Box) => Math.abs(box.x - current.x)
      this.select(row.reduce((best, box) => (distance(box) < distance(best) ? box : best)).task)
      return
    }
  }
}

/** The function's name in its box, if it fits. */
function label(context: CanvasRenderingContext2D, name: string, { x, y, width, height }: Box): void {
  if (name === '' || width < 24 || context.measureText(name).width > width - 8) return
  context.fillStyle = colour('card')
  context.fillText(name, x + 4, y + height / 2 + 0.5)
}
