/** The picture of the README is of a real run. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { draw, run } from '../timeline.js'

const timeout = 120_000
const count = (svg, pattern) => [...svg.matchAll(pattern)].length

function check(svg) {
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^<]*>\n[\s\S]*<\/svg>\n$/)
  assert.match(svg, />40 tasks, 4 workers; one worker is killed</)
  assert.equal(count(svg, /class="task"/g), 41)
  assert.equal(count(svg, />this task kills its worker, and runs again</g), 1)
  const rows = count(svg, />worker \d</g)
  assert.ok(rows >= 3 && rows <= 5, `${rows} rows`)
}

test('a trace of 40 tasks, one of which kills its worker, becomes a picture with a row for each worker', {
  timeout
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'timeline-'))
  try {
    check(draw(await run(directory)))
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('the picture of the README is one of these', { timeout }, async () => {
  check(await readFile(new URL('../../docs/timeline.svg', import.meta.url), 'utf8'))
})
