import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Program, runForJson, runProgram } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

/** What a failed start could leave behind. */
const COUNT = `
  import { closeSync, openSync, readdirSync } from 'node:fs'
  import { activeChildren, Process, ProcessError } from '%LIBRARY%'
  import { currentFamily } from '%FAMILY%'
  import { nothing } from '%TARGETS%'
  const { arena, table } = currentFamily()
  const count = () => JSON.stringify([arena.liveBlocks, [...table.members()].length, readdirSync('/proc/self/fd').length, activeChildren().length])
  const fail = () => {
    const child = new Process({ target: nothing, name: 'X' })
    try {
      child.start()
      return 'started'
    } catch (error) {
      return [error instanceof ProcessError, error.code, error.message, child.pid, child.exitcode, child.isAlive()]
    }
  }
  const run = async () => {
    const child = new Process({ target: nothing })
    child.start()
    await child.join()
    return child.exitcode
  }
  await run()`

const REFUSED = /^cannot start .*node/

interface Seen {
  failures: [boolean, string, string, null, null, boolean][]
  isClean: boolean
  afterwards: number
}

function assertRefused(seen: Seen, count: number): void {
  assert.equal(seen.failures.length, count)
  for (const [isProcessError, code, message, ...rest] of seen.failures) {
    assert.deepEqual([isProcessError, code, ...rest], [true, 'ERR_PROCESS', null, null, false])
    assert.match(message, REFUSED)
  }
  assert.equal(seen.isClean, true, 'a failed start left something behind')
  assert.equal(seen.afterwards, 0, 'the next one starts')
}

describe('a start that the system refuses', { timeout: limit(60_000) }, () => {
  test('a start without a free descriptor fails with the reason', async () => {
    const text = `${COUNT}
      const before = count()
      const held = []
      try { for (;;) held.push(openSync('/dev/null')) } catch {}
      const failures = Array.from({ length: 20 }, fail)
      for (const fd of held) closeSync(fd)
      await new Promise(setImmediate)
      console.log(JSON.stringify({ failures, isClean: before === count(), afterwards: await run() }))`
    assertRefused((await runForJson(text, { through: ['prlimit', '--nofile=100'] })) as Seen, 20)
  })

  test('a start with any number of free descriptors works, or fails with the reason', async () => {
    const text = `${COUNT}
      const before = count()
      const held = []
      try { for (;;) held.push(openSync('/dev/null')) } catch {}
      const results = []
      for (let left = 0; left < 12; left++) {
        const child = new Process({ target: nothing })
        try {
          child.start()
          results.push(await child.join() && child.exitcode)
        } catch (error) {
          results.push(error.name)
        }
        closeSync(held.pop())
      }
      for (const fd of held) closeSync(fd)
      await new Promise(setImmediate)
      console.log(JSON.stringify({ results, isClean: before === count(), before, after: count() }))`
    const seen = (await runForJson(text, { through: ['prlimit', '--nofile=100'] })) as {
      results: unknown[]
      isClean: boolean
    }
    assert.ok(seen.results.includes('ProcessError') && seen.results.includes(0), JSON.stringify(seen))
    assert.ok(
      seen.results.every(result => result === 'ProcessError' || result === 0),
      JSON.stringify(seen)
    )
    assert.equal(seen.isClean, true, JSON.stringify(seen))
  })

  test("a start fails with the reason if Node's file no longer exists", async () => {
    const text = `${COUNT}
      const before = count()
      const { execPath } = process
      process.execPath = '/no/such/node'
      const failures = [fail(), fail()]
      process.execPath = execPath
      await new Promise(setImmediate)
      console.log(JSON.stringify({ failures, isClean: before === count(), afterwards: await run() }))`
    const seen = (await runForJson(text)) as Seen
    assertRefused(seen, 2)
    assert.match(seen.failures[0][2], /\/no\/such\/node/)
  })

  test('a start fails with the reason if the environment is too large for a program', async () => {
    const text = `${COUNT}
      const before = count()
      process.env.HUGE = 'x'.repeat(3e6)
      const failures = [fail(), fail()]
      delete process.env.HUGE
      await new Promise(setImmediate)
      console.log(JSON.stringify({ failures, isClean: before === count(), afterwards: await run() }))`
    assertRefused((await runForJson(text)) as Seen, 2)
  })

  const library = fileURLToPath(new URL('../../src/index.js', import.meta.url))
  const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  // The superuser may start as many as it likes.
  const isRoot = process.getuid?.() === 0
  const canBeNobody = isRoot && spawnSync(asNobody[0], [...asNobody.slice(1), 'test', '-r', library]).status === 0

  test('a start fails with the reason if no more processes are allowed', { skip: isRoot && !canBeNobody }, async () => {
    const text = `${COUNT}
      import { execFileSync } from 'node:child_process'
      const before = count()
      execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=1'])
      const failures = Array.from({ length: 5 }, fail)
      console.log(JSON.stringify({ failures, isClean: before === count(), afterwards: 0 }))`
    const code = text
      .replaceAll('%LIBRARY%', new URL('../../src/index.js', import.meta.url).href)
      .replaceAll('%FAMILY%', new URL('../../src/ground/family.js', import.meta.url).href)
      .replaceAll('%TARGETS%', new URL('../fixtures/process/targets.js', import.meta.url).href)
    await using program = new Program('', {
      execArgv: ['--input-type=module', '-e', code],
      through: isRoot ? asNobody : [],
      env: { HOME: '/' }
    })
    const { code: status, stdout, stderr } = await program.outcome
    assert.equal(status, 0, stderr)
    assertRefused(JSON.parse(stdout) as Seen, 5)
  })

  test('a child that gets no memory fails by itself, and its parent notices', async () => {
    const { code, stdout } = await runProgram(
      `${COUNT}
      const child = new Process({ target: { module: '%TARGETS%', export: 'fillHeap' } })
      child.start()
      await child.join()
      console.log(child.exitcode)`,
      { execArgv: ['--max-old-space-size=40'] }
    )
    assert.deepEqual([code, stdout], [0, '-6\n'])
  })
})
