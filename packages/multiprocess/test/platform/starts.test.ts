/** Children that cannot start, or start and never report: whatever waits for them settles, and says why. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Program, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(90_000)
const face = (name: string) => new URL(`../../src/${name}.js`, import.meta.url).href

/** What `--import` brings into each process and thread: in children it never ends. */
const STUCK = `
  import { isMainThread } from 'node:worker_threads'
  if (!isMainThread || process.argv[1]?.endsWith('child-main.cjs')) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }`

const told = 'error => [error.name, error.code, error.message].join(" ")'
const LATE =
  /^ProcessError ERR_WORKER_START cannot start (\S+): it did not report within 300 ms \(startTimeout\), and was killed; /

async function stuck(module: string, text: string): Promise<{ lines: string[]; stderr: string }> {
  await using scratch = await Scratch.create({
    'stuck.mjs': STUCK,
    'main.mjs': `import { BaseManager, Process, SyncManager } from '${face(module)}'\nconst told = ${told}\n${text}`
  })
  await using program = new Program(scratch.file('main.mjs'), { execArgv: ['--import', scratch.url('stuck.mjs')] })
  const { stdout, stderr } = await program.outcome
  return { lines: stdout.trimEnd().split('\n'), stderr }
}

for (const module of ['index', 'threads']) {
  describe(`a child that never reports, by ${module}`, { timeout: 4 * timeout }, () => {
    test('join() and joinSync() end with ERR_WORKER_START, and the child is gone', { timeout }, async () => {
      const { lines, stderr } = await stuck(
        module,
        `const children = ['first', 'second'].map(name => new Process({ name, target: { module: 'node:path' }, startTimeout: 300 }))
        children[0].start()
        console.log(await children[0].join().catch(told))
        children[1].start()
        try { console.log(children[1].joinSync()) } catch (error) { console.log(told(error)) }
        console.log(children.map(({ exitcode }) => exitcode).join(), children.some(child => child.isAlive()))`
      )
      assert.equal(LATE.exec(lines[0])?.[1], 'first', stderr)
      assert.equal(LATE.exec(lines[1])?.[1], 'second', stderr)
      assert.equal(lines[2], '-9,-9 false')
    })

    test('a manager rejects its start, and can be started again', { timeout }, async () => {
      const { lines, stderr } = await stuck(
        module,
        `const manager = new SyncManager()
        console.log(await manager.start({ startTimeout: 300 }).catch(told))
        console.log(await manager.start({ startTimeout: 300 }).catch(told))`
      )
      for (const line of lines)
        assert.match(line, /^ProcessError ERR_WORKER_START cannot start Manager-\d+: it did not/, stderr)
      assert.equal(lines.length, 2)
    })

    test('a child that does not report and that no code joins causes a warning', { timeout }, async () => {
      const { lines, stderr } = await stuck(
        module,
        `process.on('warning', ({ code, message }) => console.log(code, message))
        new Process({ name: 'alone', target: { module: 'node:path' }, startTimeout: 300 }).start()`
      )
      assert.match(lines[0], /^ERR_WORKER_START cannot start alone: it did not report within 300 ms/, stderr)
    })

    test('a member of the reserve that never reports takes no work with it', { timeout }, async () => {
      const { lines, stderr } = await stuck(
        module,
        `const child = () => new Process({ name: 'reserved', target: { module: 'node:path' }, startTimeout: 300, reserve: 1 })
        const first = child()
        first.start()
        console.log(await first.join().catch(told))
        await new Promise(resolve => setTimeout(resolve, 200))
        const second = child()
        second.start()
        console.log(await second.join().catch(told))`
      )
      assert.equal(lines.length, 2, stderr)
      for (const line of lines) assert.match(line, LATE)
    })
  })
}

test('the error about workers that are killed as they start counts the starts by what ended them', {
  timeout
}, async () => {
  await using scratch = await Scratch.create({
    'killed.mjs': `
      if (process.argv[1]?.endsWith('child-main.cjs')) process.kill(process.pid, Date.now() % 2 ? 'SIGKILL' : 'SIGTERM')`,
    'main.mjs': `
      import { Pool } from '${face('index')}'
      const pool = new Pool(1)
      console.log(await pool.apply(() => 1).catch(${told}))
      await pool.join()`
  })
  await using program = new Program(scratch.file('main.mjs'), { execArgv: ['--import', scratch.url('killed.mjs')] })
  const { stdout, stderr } = await program.outcome
  const [, starts, causes] =
    /^MultiprocessError ERR_WORKER_START cannot start the pool's workers: (\d+) starts failed in \d+\.\d s, .*; by cause: (.*?); see/.exec(
      stdout
    ) ?? []
  const counts = causes?.split(', ').map(cause => /^(\d+) SIG(?:KILL|TERM)$/.exec(cause)?.[1]) ?? []
  assert.equal(
    counts.reduce((sum, count) => sum + Number(count), 0),
    Number(starts),
    stdout + stderr
  )
  assert.ok(Number(starts) >= 20)
})

test('threads without a descriptor fail with EMFILE, and name the limit to raise', { timeout }, async () => {
  await using scratch = await Scratch.create({
    'main.mjs': `
      import { openSync } from 'node:fs'
      import { Pool } from '${face('threads')}'
      const task = { module: 'node:path', export: 'basename' }
      const first = new Pool(1)
      await first.apply(task, ['/a/b'])
      await first.terminate()
      await first.join()
      try { for (;;) openSync('/dev/null') } catch {}
      const pool = new Pool(1)
      console.log(await pool.apply(task, ['/a/b']).catch(${told}))
      process.exit()`
  })
  await using program = new Program(scratch.file('main.mjs'), {
    through: ['bash', '-c', 'ulimit -n 64; exec "$0" "$@"']
  })
  const { stdout, stderr } = await program.outcome
  assert.match(
    stdout,
    /^MultiprocessError ERR_WORKER_START cannot start the pool's workers: 3 starts failed .* \(cannot start a thread: EMFILE; no more files can be opened: raise ulimit -n\); by cause: 3 not started; /,
    stderr
  )
})
