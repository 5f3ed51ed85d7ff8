/**
 * On macOS and Windows, which are faked by a module that is imported first: threads do all that they do on Linux, and the default face
 * falls back to them.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Program, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/platform/${name}.js`, import.meta.url))
const conformance = fileURLToPath(new URL('../fixtures/conformance/all.js', import.meta.url))
const examples = fileURLToPath(new URL('../../../../../examples/dist/test/examples.test.js', import.meta.url))
const elsewhere = ['--import', fixture('elsewhere')]

/** Runs a file of tests in a process of its own; its TAP must tell of that many passed tests, and of no failed one. */
async function assertPasses(
  file: string,
  platform: string,
  least: number,
  env: Record<string, string> = {}
): Promise<void> {
  await using program = new Program(file, {
    execArgv: [...elsewhere, '--test-reporter=tap'],
    env: { MULTIPROCESS_TEST_PLATFORM: platform, NODE_OPTIONS: elsewhere.join(' '), ...env }
  })
  const { stdout, stderr } = await program.outcome
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1])
  const failed = stdout.split('\n').filter(line => /^\s*not ok/.test(line))
  assert.deepEqual(failed, [], stderr)
  assert.ok(count('pass') >= least, `${count('pass')} tests passed, expected ${least} or more: ${stderr}`)
}

/** Both faces are the same code on threads: each has its turn on one platform, and both are used on each by the test after it. */
const FACES = [
  ['darwin', 'threads'],
  ['win32', 'default']
] as const

for (const [platform, face] of FACES) {
  describe(`where the platform is ${platform} and nothing native can be loaded`, () => {
    test(`${face === 'threads' ? 'the face of threads' : 'the default face'} passes the conformance suite`, {
      timeout: limit(600_000)
    }, async () => {
      await assertPasses(conformance, platform, 440, { CONFORMANCE_ONLY_FACE: face })
    })

    test('the default face warns once of what threads lack, and refuses processes', {
      timeout: limit(120_000)
    }, async () => {
      // The pipes of Windows have names that are files here.
      await using scratch = await Scratch.create()
      await using program = new Program(fixture('off-linux'), {
        execArgv: elsewhere,
        env: { MULTIPROCESS_TEST_PLATFORM: platform },
        cwd: scratch.directory
      })
      const { stdout, stderr, code } = await program.outcome
      assert.equal(code, 0, stderr)
      const { warnings, spawn, memory, taken, ...seen } = JSON.parse(stdout)
      const use = {
        isLock: true,
        a: 1,
        hasPort: true,
        heard: ['over a port', 'over a place of its own'],
        results: [7, 14],
        method: 'thread'
      }
      assert.deepEqual(seen, { imported: 0, default: use, threads: use, methods: ['thread'], own: 'thread' })
      assert.equal(warnings.length, 1)
      assert.equal(warnings[0].code, 'MULTIPROCESS_THREADS')
      assert.match(
        warnings[0].message,
        new RegExp(
          `^multiprocess runs on threads here, .* this is ${platform}-.*crash.*signals.*working directory.*multiprocess/threads`
        )
      )
      assert.equal(spawn.code, 'ERR_UNSUPPORTED_PLATFORM')
      assert.match(spawn.message, new RegExp(`^cannot use the start method 'spawn' here: .*${platform}-.*getContext`))
      assert.equal(memory.code, 'ERR_UNSUPPORTED_PLATFORM')
      assert.match(memory.message, /^SharedMemory and ShareableList need Linux on x64 or arm64/)
      assert.equal(taken.code, 'EADDRINUSE')
    })

    test('the examples print over threads what they print over processes', { timeout: limit(300_000) }, async () => {
      await assertPasses(examples, platform, 9)
    })
  })
}
