/** What the README and results.md say of speed is what was measured. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { goal, ratioOf } from '../../bench/goals.ts'
import { parts } from '../../bench/parts.ts'
import { FILES, readResults, toMarkdown, withFigures } from '../../bench/results.ts'
import { makeRow, type Row } from '../../bench/row.ts'
import { spread } from '../../bench/statistics.ts'

const read = (file: string) => readFileSync(file, 'utf8')

test('results.md is made from results.json', () => {
  assert.equal(read(FILES.markdown), toMarkdown(readResults()))
})

test('the README quotes the results', () => {
  const readme = read(FILES.readme)
  assert.equal(readme, withFigures(readme, readResults()))
})

test('each part was measured, and its medians and goals follow from the samples', () => {
  const results = readResults()
  for (const part of parts) {
    const report = results.parts[part.id]
    assert.ok(report !== undefined, `${part.id} has yet to be measured`)
    const rows: Row[] = report.rows.map(row => {
      const again = makeRow(row, row.version, row.settings, row.samples, row.notes)
      assert.deepEqual(again.spread, row.spread, `${part.id}, ${row.id}`)
      return again
    })
    assert.deepEqual(part.judge(rows), report.goals, part.id)
  }
})

test('a median is the middle sample, or the middle of two', () => {
  assert.deepEqual(spread([5, 1, 3]), { median: 3, min: 1, max: 5 })
  assert.deepEqual(spread([4, 1, 2, 100]), { median: 3, min: 1, max: 100 })
})

test('some figures are better if higher and others if lower, and a figure that was not measured meets no goal', () => {
  const row = (value: number) => ({ spread: { median: value, min: value, max: value } }) as Row
  assert.equal(ratioOf({ isMoreBetter: true }, row(30), row(10)), 3)
  assert.equal(ratioOf({ isMoreBetter: false }, row(10), row(30)), 3)
  assert.equal(ratioOf({ isMoreBetter: true }, row(30), undefined), null)
  assert.deepEqual(goal('x', { value: 2.9, atLeast: 3 }).isMet, false)
  assert.deepEqual(goal('x', { value: 3, atLeast: 3 }).isMet, true)
  assert.deepEqual(goal('x', { value: null, atLeast: 3 }).isMet, null)
})
