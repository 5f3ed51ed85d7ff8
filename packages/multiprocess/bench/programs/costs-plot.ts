/** The plot of the page on costs: how much faster programs with a pool are than those without, by how long their work takes. */
import type { ProgramReport } from './report.ts'

const WIDTH = 640
const HEIGHT = 360
const LEFT = 60
const BOTTOM = 50
const TOP = 30
const RIGHT = 20
const MOST_OTHERS_USE = 0.1
const LINES = [
  { id: 'multiprocess', name: 'processes', color: '#0b6e99' },
  { id: 'multiprocess-threads', name: 'threads', color: '#c4570a' }
] as const

interface Point {
  readonly ms: number
  readonly factor: number
}

/** An SVG text. @param reports of the programs whose work grows */
export function costsPlot(reports: readonly ProgramReport[]): string {
  const sorted = [...reports].sort((a, b) => (a.workMs as number) - (b.workMs as number))
  const lines = LINES.map(line => ({ ...line, points: sorted.flatMap(report => pointOf(report, line.id)) }))
  const all = lines.flatMap(({ points }) => points)
  const [low, high] = [Math.min(...all.map(({ ms }) => ms)), Math.max(...all.map(({ ms }) => ms))]
  const most = Math.max(2, ...all.map(({ factor }) => factor))
  const x = (ms: number) =>
    LEFT + ((Math.log(ms) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (WIDTH - LEFT - RIGHT)
  const y = (factor: number) => HEIGHT - BOTTOM - (factor / most) * (HEIGHT - BOTTOM - TOP)
  const grid = [0.5, 1, 1.5, 2].filter(factor => factor <= most)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    '<title>Times as fast as without a pool, by the time that the program takes without a pool</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="18">Times as fast as without a pool, 2 workers, whole programs</text>`,
    ...grid.map(
      factor =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(factor))}" y2="${round(y(factor))}" stroke="${factor === 1 ? '#444' : '#ddd'}"/>` +
        `<text x="${LEFT - 8}" y="${round(y(factor) + 4)}" text-anchor="end">${factor} ×</text>`
    ),
    ...sorted.map(
      ({ workMs, rows }) =>
        `<text x="${round(x(msOf(rows)))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${labelOf(msOf(rows), workMs as number)}</text>`
    ),
    ...noteOf(sorted),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">the program without a pool takes</text>`,
    ...lines.flatMap(({ name, color, points }, index) => [
      `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points.map(({ ms, factor }) => `${round(x(ms))},${round(y(factor))}`).join(' ')}"/>`,
      ...points.map(
        ({ ms, factor }) => `<circle cx="${round(x(ms))}" cy="${round(y(factor))}" r="3.5" fill="${color}"/>`
      ),
      `<text x="${LEFT + 10}" y="${TOP + 20 + index * 18}" fill="${color}">${name}</text>`
    ]),
    '</svg>\n'
  ].join('\n')
}

/** Where the machine was busy, the plot says so. */
function noteOf(reports: readonly ProgramReport[]): string[] {
  const busy = Math.max(...reports.map(({ othersUse }) => othersUse.median))
  if (busy <= MOST_OTHERS_USE) return []
  const text = `measured while other programs used ${Math.round(busy * 100)} % of the processors: a pool pays earlier on a quiet machine`
  return [`<text x="${WIDTH - RIGHT}" y="${TOP + 6}" text-anchor="end" font-size="11" fill="#a00">${text}</text>`]
}

const round = (value: number) => Math.round(value * 10) / 10

function msOf(rows: ProgramReport['rows']): number {
  return (rows.find(({ id }) => id === 'none')?.wall.median ?? 0) * 1000
}

function labelOf(ms: number, workMs: number): string {
  return ms === 0 ? `${workMs} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function pointOf({ rows }: ProgramReport, id: string): Point[] {
  const own = rows.find(row => row.id === id)
  const ms = msOf(rows)
  return own === undefined || ms === 0 ? [] : [{ ms, factor: ms / 1000 / own.wall.median }]
}
