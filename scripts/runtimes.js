// Runs the built package in Bun and Deno, from their packages on the registry: node scripts/runtimes.js
// Ends on a line with the counts. What cannot be had is skipped, with a sentence.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(
  new URL('../packages/multiprocess/test/fixtures/platform/other-runtime.mjs', import.meta.url)
)
const arch = process.arch === 'arm64' ? 'aarch64' : 'x64'
const RUNTIMES = [
  { name: 'bun', source: `@oven/bun-linux-${arch}`, args: [], memory: [1, 'a'] },
  {
    name: 'deno',
    source: `@deno/linux-${process.arch}-glibc`,
    args: ['run', '-A'],
    memory: ['ERR_UNSUPPORTED_PLATFORM', true]
  }
]

const counts = { passed: 0, failed: 0, skipped: 0 }
const directory = mkdtempSync(join(tmpdir(), 'multiprocess-runtimes-'))
for (const runtime of RUNTIMES) counts[await outcomeOf(runtime)]++
rmSync(directory, { recursive: true, force: true })
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 ? 1 : 0

function outcomeOf({ name, source, args, memory }) {
  let file
  try {
    const install = [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      directory,
      source
    ]
    execFileSync('npm', install, { stdio: 'ignore', timeout: 180_000 })
    file = fileOf(join(directory, 'node_modules', source), name)
    chmodSync(file, 0o755)
  } catch (error) {
    console.log(`${name}: skipped, because ${source} cannot be installed from the registry here (${error.message})`)
    return 'skipped'
  }
  // Deno would take what it compiled of an earlier build under the same paths.
  const env = { ...process.env, DENO_DIR: join(directory, 'deno') }
  const { status, stdout, stderr } = spawnSync(file, [...args, program], { encoding: 'utf8', timeout: 120_000, env })
  // The last one captures a variable, and neither has an inspector that could read it.
  const used = [true, 1, 0, true, true, [2, 4, 6], 'ERR_SERIALIZATION']
  const expected = {
    threads: used,
    processes: used,
    method: 'thread',
    refused: 'ERR_UNSUPPORTED_PLATFORM',
    memory,
    warnings: ['MULTIPROCESS_THREADS']
  }
  const line = stdout.trimEnd().split('\n').at(-1)
  const isPassed = status === 0 && line === JSON.stringify(expected)
  console.log(`${name}: ${isPassed ? 'passed' : `failed with ${status}: ${line}\n${stderr}`}`)
  return isPassed ? 'passed' : 'failed'
}

function fileOf(folder, name) {
  const found = readdirSync(folder, { recursive: true }).find(path => path.split('/').at(-1) === name)
  if (found === undefined) throw new Error(`it has no file ${name}`)
  return join(folder, found)
}
