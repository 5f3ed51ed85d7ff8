import { forceCenter, forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force'
import { escapeMarkup } from '../format/markup.ts'
import type { LinkGraph } from './audit.ts'

const WIDTH = 1100
const HEIGHT = 700
const MARGIN = 20
/** The maximum number of links in the graph: more would be a black spot, and slow. */
const MOST_EDGES = 3000
const STEPS = 200
/** The colours for depths 0, 1, 2 …; the last is for all deeper ones. The colour-blind can tell them apart, too (Okabe and Ito). */
const COLOURS = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8a8f99']

/** Returns a histogram as rows of bars. */
export function barChart(bars: readonly (readonly [label: string, value: number])[]): string {
  const most = Math.max(1, ...bars.map(([, value]) => value))
  const rows = bars.map(([label, value]) => {
    const width = value === 0 ? 0 : Math.max(0.5, (value / most) * 100)
    const bar = value === 0 ? '<span></span>' : `<span><i style="width:${width.toFixed(1)}%"></i></span>`
    return `<span>${escapeMarkup(label)}</span>${bar}<span class="number">${value.toLocaleString('en')}</span>`
  })
  return `<div class="bars">${rows.join('\n')}</div>`
}

/** Returns pages as circles, coloured by their depth, and links as lines. */
export function graphChart({ nodes, edges }: LinkGraph): string {
  const drawn = chooseEdges(edges, nodes.length)
  const points = layOut(nodes.length, drawn)
  const degree = nodes.map(() => 0)
  for (const [, target] of drawn) degree[target]++
  const lines = drawn.map(([source, target]) => {
    const [from, to] = [points[source], points[target]]
    return `<line x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}" data-l="${source} ${target}"/>`
  })
  const circles = nodes.map(({ url, depth, isBroken }, index) => {
    const { x, y } = points[index]
    const radius = Math.min(12, 4 + Math.sqrt(degree[index])).toFixed(1)
    const colour = COLOURS[Math.min(depth, COLOURS.length - 1)]
    const text = escapeMarkup(url)
    return (
      `<circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"${isBroken ? ' class="broken"' : ''} tabindex="0" ` +
      `data-url="${text}"><title>${text}</title></circle>`
    )
  })
  const left = edges.length - drawn.length
  const note =
    left > 0 ? ` Of ${edges.length.toLocaleString('en')} links ${drawn.length.toLocaleString('en')} are drawn.` : ''
  return `<svg class="graph" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Link graph">
<g>${lines.join('\n')}</g>
<g>${circles.join('\n')}</g>
</svg>
<p id="graph-name">Colour: depth (${legend(Math.max(0, ...nodes.map(({ depth }) => depth)))}); red edge: broken; size: links to the page.${note} Point at a page to see its links.</p>`
}

function legend(deepest: number): string {
  const names = ['orange 0', 'blue 1', 'green 2', 'pink 3', 'yellow 4', 'light blue 5', 'grey 6 and more']
  return names.slice(0, Math.min(deepest, COLOURS.length - 1) + 1).join(', ')
}

/** Chooses the first link to each page, then others as long as there is room. */
function chooseEdges(edges: LinkGraph['edges'], nodes: number): LinkGraph['edges'] {
  if (edges.length <= MOST_EDGES) return edges
  const reached = new Set<number>()
  const first: (readonly [number, number])[] = []
  const others: (readonly [number, number])[] = []
  for (const edge of edges) {
    const isFirst = edge[1] < nodes && !reached.has(edge[1])
    reached.add(edge[1])
    if (isFirst) first.push(edge)
    else others.push(edge)
  }
  const room = MOST_EDGES - first.length
  const step = others.length / room
  return [...first, ...Array.from({ length: room }, (_, index) => others[Math.floor(index * step)])]
}

function layOut(count: number, edges: LinkGraph['edges']): { x: number; y: number }[] {
  const nodes = Array.from({ length: count }, (_, index) => ({ index }) as { index: number; x?: number; y?: number })
  const links = edges.map(([source, target]) => ({ source, target }))
  forceSimulation(nodes)
    .force('link', forceLink(links).distance(50))
    .force('charge', forceManyBody().strength(-120).distanceMax(400))
    .force('collide', forceCollide(9))
    .force('center', forceCenter(0, 0))
    .force('x', forceX(0).strength(0.04))
    .force('y', forceY(0).strength(0.06))
    .stop()
    .tick(STEPS)
  const xs = nodes.map(({ x = 0 }) => x)
  const ys = nodes.map(({ y = 0 }) => y)
  const scaleX = scale(xs, WIDTH)
  const scaleY = scale(ys, HEIGHT)
  return nodes.map(({ x = 0, y = 0 }) => ({ x: scaleX(x), y: scaleY(y) }))
}

/** Returns a function that maps values to positions on a side of the chart. */
function scale(values: readonly number[], side: number): (value: number) => number {
  const least = Math.min(...values)
  const span = Math.max(...values) - least
  return value =>
    Math.round((span === 0 ? side / 2 : MARGIN + ((value - least) / span) * (side - 2 * MARGIN)) * 10) / 10
}
