import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { version } from '../../src/version.ts'
import { mainFile, page, serve } from '../support.ts'

const limits = { timeout: 120_000 }
const bin = fileURLToPath(new URL('../../../bin/crawl.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'crawl-bin-'))
after(() => rmSync(directory, { recursive: true }))

test('the command of the package starts', limits, () => {
  const { stdout, status } = spawnSync(process.execPath, [bin, '--version'], { encoding: 'utf8' })
  assert.deepEqual([status, stdout], [0, `${version}\n`])
})

test('the command of a package that is not built says what to run', limits, () => {
  const copy = join(directory, 'packages', 'crawl', 'bin', 'crawl.js')
  mkdirSync(join(copy, '..'), { recursive: true })
  copyFileSync(bin, copy)
  const { stderr, status } = spawnSync(process.execPath, [copy], { encoding: 'utf8' })
  assert.deepEqual([status, stderr], [1, 'crawl: cannot start: it is not built; run: npm run build\n'])
})

test('on a terminal, problems are shown grouped, with where they were found, and no lines of JSON', limits, async t => {
  if (spawnSync('script', ['--version']).error) {
    t.skip('there is no script(1) here, which makes a terminal')
    return
  }
  await using site = await serve({ '/': page('home', '/a', '/gone'), '/a': page('a', '/gone', '/worse') })
  const command = `'${process.execPath}' '${mainFile}' ${site.origin} --processes 0`
  const { output, code } = await inTerminal(command)
  assert.equal(code, 0, output)
  assert.ok(output.includes('404 Not Found (2 pages)\r\n  404 /gone   <- /, /a\r\n  404 /worse  <- /a\r\n'), output)
  assert.ok(output.includes('4 pages in '), output)
  assert.ok(!output.includes('{"url"'), output)
})

/** Runs a command on a terminal of its own. */
async function inTerminal(command: string): Promise<{ output: string; code: number }> {
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', data => {
    output += data
  })
  const [code] = await once(child, 'close')
  return { output, code }
}
