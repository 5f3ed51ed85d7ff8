import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { costsPlot } from '../../bench/programs/costs-plot.ts'
import { type ProgramReport, toProgramChapter, toProgramTable } from '../../bench/programs/report.ts'
import { check, rangesOf } from '../../bench/programs/work.ts'

const machine = { cpu: 'some', cores: 2, memoryGiB: 4, system: 'Linux', node: 'v20.20.0' }
const seconds = (median: number) => ({ median, min: median, max: median })

function report(id: string, walls: Readonly<Record<string, number>>, workMs?: number): ProgramReport {
  const rows = Object.entries(walls).map(([id, wall]) => ({
    id,
    title: id,
    wall: seconds(wall),
    cpu: seconds(2 * wall),
    memory: 2 ** 20
  }))
  const othersUse = seconds(0.01)
  return { id, title: `program ${id}`, workMs, date: '2026-01-01T00:00:00Z', machine, rounds: 3, othersUse, rows }
}

describe('the report of whole programs', () => {
  test('a table shows how many times as long as ours each of the others takes', () => {
    const found = [report('apply', { multiprocess: 0.5, 'cpython-fork': 1, piscina: 0.25 }), report('work-1', {}, 1)]
    const chapter = toProgramChapter(found)
    assert.match(chapter, /\| multiprocess \| 0\.50 \| 1\.00 \| 1\.00 \| 1\.00 \| 1 \|/)
    assert.match(chapter, /\| cpython-fork \| 1\.00 \| 2\.00 \| 2\.00 \| 2\.00 \| 1 \|/)
    assert.doesNotMatch(chapter, /work-1/)
    const [, , row] = toProgramTable(found).split('\n')
    assert.equal(row, '| program apply | **0.50 s** | 1.00 s (2.00 ×) | 0.25 s (0.50 ×) |')
  })

  test('the plot has a point for each program and each way, which is higher if the pool pays more', () => {
    const svg = costsPlot([
      report('work-1000', { none: 1, multiprocess: 0.8, 'multiprocess-threads': 0.7 }, 1000),
      report('work-30', { none: 0.1, multiprocess: 0.4, 'multiprocess-threads': 0.2 }, 30)
    ])
    const heights = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)])
    assert.equal(heights.length, 4)
    const [[x1, y1], [x2, y2]] = heights
    assert.ok(x1 < x2 && y1 > y2, svg)
    assert.match(svg, /^<svg xmlns[\s\S]*<\/svg>\n$/)
  })

  test('ranges cover a file without a gap, and a wrong result fails the program', () => {
    const ranges = rangesOf('file', 1001, 4)
    assert.deepEqual([ranges[0].start, ranges.at(-1)?.end], [0, 1001])
    for (const [i, { start }] of ranges.entries()) if (i > 0) assert.equal(start, ranges[i - 1].end)
    assert.throws(() => check(false, 'the sum'), /the sum came out wrong/)
  })
})
