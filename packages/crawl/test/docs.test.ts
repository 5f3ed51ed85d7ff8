import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createPracticeSite } from '../src/practice/site.ts'
import { mainFile } from './support.ts'

const limits = { timeout: 240_000 }
const docs = fileURLToPath(new URL('../../../../docs/crawl/', import.meta.url))
const ORIGIN = 'http://127.0.0.1:8000'

/** A command of a page, and the exit code that the page promises. */
interface Step {
  readonly command: string
  readonly code: number
}

function stepsOf(text: string): Step[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block)
  return blocks
    .flatMap(block => block.split('\n'))
    .filter(line => line.trim() !== '')
    .map(line => ({ command: line.replace(/\s+# .*$/, ''), code: Number(/# exits with (\d+)/.exec(line)?.[1] ?? 0) }))
}

for (const name of readdirSync(docs)) {
  const steps = stepsOf(readFileSync(join(docs, name), 'utf8'))
  if (steps.length === 0) continue

  test(`the commands of docs/crawl/${name} run on the practice site`, limits, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'crawl-docs-'))
    const site = createPracticeSite({ latencyMs: 1, slowMs: 5 })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    try {
      const own = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
      writeFileSync(join(directory, 'crawl'), `#!/bin/sh\nexec '${process.execPath}' '${mainFile}' "$@"\n`, {
        mode: 0o755
      })
      for (const { command, code } of steps) {
        const child = spawn('sh', ['-c', command.replaceAll(ORIGIN, own)], {
          cwd: directory,
          env: { ...process.env, PATH: `${directory}:${process.env['PATH']}` },
          stdio: ['ignore', 'pipe', 'pipe']
        })
        let said = ''
        for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data))
        const [ended] = await once(child, 'close')
        assert.equal(ended, code, `${command}\n${said}`)
        if (command.startsWith('crawl why')) assert.match(said, /was fetched/)
        if (command.startsWith('crawl report'))
          assert.match(readFileSync(join(directory, said.trim()), 'utf8'), /^<!doctype html>/)
        if (/-o lessons\.csv/.test(command))
          assert.match(readFileSync(join(directory, 'lessons.csv'), 'utf8'), /""course"":""Locks""/)
      }
      if (name === 'resume.md') {
        const urls = readFileSync(join(directory, 'long.jsonl'), 'utf8')
          .trimEnd()
          .split('\n')
          .map(line => JSON.parse(line).url)
        assert.ok(urls.length > 50)
        assert.equal(new Set(urls).size, urls.length)
      }
    } finally {
      site.close()
      site.closeAllConnections()
      rmSync(directory, { recursive: true })
    }
  })
}
