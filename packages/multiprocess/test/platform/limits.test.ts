/** Systems that give less than usual: users without rights, limits, no /proc, no working directory, no executable. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFile, cp, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Program, runProgram, Scratch, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(90_000)
const isRoot = process.getuid?.() === 0
const needsRoot = isRoot ? false : 'only root can become another user, and change the root directory'
const limited = (limit: string) => ({ through: ['bash', '-c', `ulimit ${limit}; exec "$0" "$@"`] })

const WORK = `
  const pool = new Pool(2)
  const numbers = await Promise.all([1, 2, 3].map(n => pool.apply(n => n * n, [n])))
  const queue = new Queue()
  const child = new Process({ target: async queue => { await queue.put('from the child') }, args: [queue] })
  child.start()
  console.log(numbers.join(), await queue.get(), await child.join(), child.exitcode)
  await pool.terminate()`
const DONE = '1,4,9 from the child true 0\n'
const IMPORT = `const { Pool, Process, Queue } = await import('multiprocess')`
const BECOME = 'process.setgroups([]); process.setgid(65534); process.setuid(65534)'

async function assertWorks(text: string, options = {}): Promise<void> {
  const { stdout, stderr, code } = await runProgram(text.replaceAll("'multiprocess'", `'${LIBRARY}'`), options)
  assert.deepEqual({ stdout, code }, { stdout: DONE, code: 0 }, stderr)
}

const LIBRARY = new URL('../../src/index.js', import.meta.url).href

describe('another user', { skip: needsRoot, timeout: 4 * timeout }, () => {
  test('all tasks are done after a setuid before the pool is created', { timeout }, async () => {
    await assertWorks(`${IMPORT}\n${BECOME}\n${WORK}`, { cwd: '/' })
  })

  test('all tasks are done after a setuid when workers have started', { timeout }, async () => {
    const text = `${IMPORT}
      const early = new Pool(1)
      await early.apply(() => 1)
      ${BECOME}
      if (await early.apply(() => 2) !== 2) throw new Error('no answer')
      await early.terminate()
      ${WORK}`
    await assertWorks(text, { cwd: '/' })
  })

  test('children end with a parent that has become another user and was killed', { timeout }, async () => {
    const text = `${IMPORT.replace("'multiprocess'", `'${LIBRARY}'`)}
      const pool = new Pool(2)
      await pool.apply(() => 1)
      ${BECOME}
      console.log('ready')
      setInterval(() => {}, 1000)`
    await using scratch = await Scratch.create({ 'main.mjs': text })
    await using program = new Program(scratch.file('main.mjs'))
    await until(() => program.stdout.includes('ready'), 'the pool', 30_000)
    const { pid } = program.process
    const children = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number)
    assert.equal(children.length, 2)
    program.process.kill('SIGKILL')
    await until(() => children.every(child => !isThere(child)), 'the children to end', 30_000)
  })
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('all tasks are done in a root directory without /proc', { timeout, skip: needsRoot }, async () => {
  await using scratch = await Scratch.create({ 'main.mjs': IMPORT + WORK, 'package.json': '{ "type": "module" }' })
  const lib = fileURLToPath(new URL('../../../dist/lib', import.meta.url))
  const modules = fileURLToPath(new URL('../../../../../node_modules', import.meta.url))
  const into = (name: string) => scratch.file(`node_modules/${name}`)
  await cp(lib, into('multiprocess/dist/lib'), { recursive: true })
  await copyFile(path.join(lib, '../../package.json'), into('multiprocess/package.json'))
  for (const name of [`@koromix/koffi-linux-${process.arch}`, 'acorn', 'es-module-lexer']) {
    await cp(path.join(modules, name), into(name), { recursive: true, dereference: true })
  }
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  for (const file of [process.execPath, ...libraries]) {
    await mkdir(path.dirname(scratch.file(`.${file}`)), { recursive: true })
    await copyFile(file, scratch.file(`.${file}`))
  }
  await mkdir(scratch.file('dev'))
  execFileSync('mknod', [scratch.file('dev/null'), 'c', '1', '3'])
  execFileSync('mknod', [scratch.file('dev/urandom'), 'c', '1', '9'])
  await using program = new Program('/main.mjs', {
    through: ['chroot', scratch.directory],
    env: { NODE_EXTRA_CA_CERTS: '' }
  })
  const { stdout, stderr, code } = await program.outcome
  assert.deepEqual({ stdout, code }, { stdout: DONE, code: 0 }, stderr)
})

describe('limits', { timeout: 4 * timeout }, () => {
  test('under ulimit -f below its size, the arena is smaller', { timeout }, async () => {
    await assertWorks(IMPORT + WORK, limited('-f 8000000'))
  })

  test('under ulimit -f below any arena, the error names the limit', { timeout }, async () => {
    const text = `import { Lock } from '${LIBRARY}'
      try { new Lock() } catch ({ code, message }) { console.log(code, message) }`
    const { stdout } = await runProgram(text, limited('-f 1000'))
    assert.match(stdout, /^EFBIG cannot create shared memory of \d+ MiB: .* raise the limit, ulimit -f\n$/)
  })

  test('under ulimit -v without room for WebAssembly, functions cross and locks work', { timeout }, async () => {
    await assertWorks(IMPORT + WORK, limited('-v 4000000'))
  })

  test('under --jitless, everything works without WebAssembly', { timeout }, async () => {
    await assertWorks(IMPORT + WORK, { execArgv: ['--jitless'] })
  })
})

test('the package loads and workers start in a working directory that was removed', { timeout }, async () => {
  const text = `
    const { mkdtempSync, rmdirSync } = await import('node:fs')
    const directory = mkdtempSync('/tmp/multiprocess-removed-')
    process.chdir(directory)
    rmdirSync(directory)
    ${IMPORT}${WORK}`
  await assertWorks(text)
})

test("the next child runs the program of its parent after an upgrade has removed Node's file", {
  timeout
}, async () => {
  await using scratch = await Scratch.create()
  const node = scratch.file('node')
  await copyFile(process.execPath, node)
  const text = `const { unlinkSync } = await import('node:fs')\nunlinkSync(process.execPath)\n${IMPORT}${WORK}`
  await assertWorks(text, { through: ['bash', '-c', `shift 0; exec '${node}' "\${@:1}"`] })
  await rm(node, { force: true })
})

test('a worker that does not report in time is killed, and pending tasks reject', { timeout }, async () => {
  await using scratch = await Scratch.create({
    'stuck.mjs': "if (process.argv[1]?.endsWith('child-main.cjs')) for (;;) Math.sqrt(2)",
    'main.mjs': `
      import { Pool } from '${LIBRARY}'
      const pool = new Pool(1, { startTimeout: 1 })
      try { await pool.apply(() => 1) } catch ({ code, message }) { console.log(code, message) }
      await pool.join()`
  })
  await using program = new Program(scratch.file('main.mjs'), { execArgv: ['--import', scratch.url('stuck.mjs')] })
  const { stdout, stderr } = await program.outcome
  assert.match(
    stdout,
    /^ERR_WORKER_START cannot start the pool's workers: \d+ starts failed in [\d.]+ s, and the last worker did not report for work within 1 ms \(startTimeout\)/,
    stderr
  )
})
