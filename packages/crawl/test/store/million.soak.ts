import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./million-urls.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'crawl-million-'))
after(() => rmSync(directory, { recursive: true }))

for (const [name, args] of [
  ['memory', []],
  ['SQLite', [join(directory, 'million.db')]]
] as const) {
  test(`a million known URLs need at most 400 MB with the store in ${name}`, { timeout: 600_000 }, t => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    const { waiting, peakMiB } = JSON.parse(stdout)
    t.diagnostic(`${peakMiB} MiB at most`)
    assert.equal(waiting, 1_000_000)
    assert.ok(peakMiB * 2 ** 20 <= 400e6, stdout)
  })
}
