/** What children print while the reader of their pipe is slow, stops for a while, or has gone. `child_process` makes sockets of them. */
import assert from 'node:assert/strict'
import type { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Outcome, Program, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(90_000)
const face = (name: string) => new URL(`../../src/${name}.js`, import.meta.url).href

/** More than a socket, a pipe and the reader have room for: 10,000 lines of 100 bytes. */
const LINES = 10_000
const EXPECTED = Array.from({ length: LINES }, (_, i) => String(i).padStart(99, '.'))
const PRINT = `
  const print = (from, to, write) => {
    for (let i = from; i < to; i++) write(String(i).padStart(99, '.'))
  }`

type Name = 'stdout' | 'stderr'

/** Reads a piece, and then nothing for 10 ms. */
function readSlowly(stream: Readable): void {
  stream.on('data', () => {
    stream.pause()
    setTimeout(() => stream.resume(), 10)
  })
}

/** @param read is given the program's streams before it can have printed anything */
async function outcomeOf(
  text: string,
  read: (streams: Record<Name, Readable>) => void,
  options: { readonly execArgv?: readonly string[]; readonly files?: Readonly<Record<string, string>> } = {}
): Promise<Outcome> {
  await using scratch = await Scratch.create({ 'main.mjs': `${PRINT}\n${text}`, ...options.files })
  const execArgv = options.execArgv?.map(arg => arg.replace('%', scratch.url('')))
  await using program = new Program(scratch.file('main.mjs'), { execArgv })
  const { stdout, stderr } = program.process
  assert.ok(stdout !== null && stderr !== null)
  read({ stdout, stderr })
  return await program.outcome
}

const linesOf = (text: string) => text.split('\n').slice(0, -1)

/** Tells of the first line that differs: all of them would be a megabyte. */
function assertLines(lines: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, i) => line !== lines[i])
  if (at >= 0) assert.equal(lines[at], expected[at], `line ${at} of ${lines.length}`)
  assert.equal(lines.length, expected.length)
}

for (const module of ['index', 'threads']) {
  const imported = `import { Pool, Process } from '${face(module)}'`

  describe(`10,000 lines that are read slowly, by ${module}`, { timeout: 6 * timeout }, () => {
    for (const name of ['stdout', 'stderr'] as const) {
      const write = `line => process.${name}.write(line + '\\n')`

      test(`a Process that exits at once after them: all lines of ${name} arrive, in their order`, {
        timeout
      }, async () => {
        const text = `${imported}
          const target = () => { print(0, ${LINES}, ${write}); process.exit(7) }
          const child = new Process({ target })
          child.start()
          await child.join()
          process.exitCode = child.exitcode`
        const { code, ...printed } = await outcomeOf(text, streams => readSlowly(streams[name]))
        assertLines(linesOf(printed[name]), EXPECTED)
        assert.equal(code, 7)
      })

      test(`tasks of a pool that is terminated after them: all lines of ${name} arrive`, { timeout }, async () => {
        const text = `${imported}
          const pool = new Pool(2)
          await pool.map(from => print(from, from + 1000, ${write}), ${JSON.stringify(Array.from({ length: 10 }, (_, i) => i * 1000))}, { chunksize: 1 })
          pool.terminate()
          process.exit(0)`
        const { code, ...printed } = await outcomeOf(text, streams => readSlowly(streams[name]))
        assert.equal(code, 0, printed.stderr.slice(0, 1000))
        assertLines(linesOf(printed[name]).sort(), EXPECTED.toSorted())
      })
    }
  })
}

describe('processes whose pipes are full', { timeout: 6 * timeout }, () => {
  const imported = `import { logToStderr, Process } from '${face('index')}'`

  test('the console prints every line, also to a stream that a module of --import has used', { timeout }, async () => {
    const text = `${imported}
      const child = new Process({ target: () => { print(0, ${LINES}, console.log); process.exit() } })
      child.start()
      await child.join()`
    const files = { 'first.mjs': `if (process.argv[1]?.includes('child-main')) console.log('first')` }
    const options = { execArgv: ['--import', '%/first.mjs'], files }
    const { stdout, stderr } = await outcomeOf(text, ({ stdout }) => readSlowly(stdout), options)
    assert.equal(stderr, '')
    assertLines(linesOf(stdout), ['first', ...EXPECTED])
  })

  test('a child that waits for room uses no processor, and goes on when there is some', { timeout }, async () => {
    const text = `${imported}
      const target = () => {
        const begin = performance.now()
        const used = process.cpuUsage()
        print(0, ${LINES}, console.log)
        const { user, system } = process.cpuUsage(used)
        console.error(JSON.stringify({ took: performance.now() - begin, used: (user + system) / 1000 }))
      }
      const child = new Process({ target })
      child.start()
      await child.join()`
    const { stdout, stderr } = await outcomeOf(text, ({ stdout }) => {
      stdout.once('data', () => {
        stdout.pause()
        setTimeout(() => stdout.resume(), 3000)
      })
    })
    assertLines(linesOf(stdout), EXPECTED)
    const { took, used } = JSON.parse(stderr)
    assert.ok(took > 2500, `it took ${took} ms`)
    assert.ok(used < took / 2, `it used ${used} ms of ${took} ms`)
  })

  test('an uncaught error is told of whole behind what was printed', { timeout }, async () => {
    const target = `() => { print(0, ${LINES}, console.error); throw new RangeError('the end') }`
    const text = `${imported}
      const child = new Process({ name: 'failed', target: ${target} })
      child.start()
      await child.join()`
    const { stderr } = await outcomeOf(text, ({ stderr }) => readSlowly(stderr))
    const lines = linesOf(stderr)
    assertLines(lines.slice(0, LINES), EXPECTED)
    assert.equal(lines[LINES], 'Process failed:')
    assert.match(lines.slice(LINES).join('\n'), /RangeError: the end\n {4}at [\s\S]*\nNode\.js v[\d.]+$/)
  })

  test('what the logger prints arrives', { timeout }, async () => {
    const text = `${imported}
      import { getLogger } from '${face('index')}'
      logToStderr('warning')
      const target = () => { process.stderr; print(0, ${LINES}, line => getLogger().warning(line)) }
      const child = new Process({ name: 'logging', target })
      child.start()
      await child.join()`
    const { stderr } = await outcomeOf(text, ({ stderr }) => readSlowly(stderr))
    assertLines(
      linesOf(stderr),
      EXPECTED.map(line => `[WARNING/logging] ${line}`)
    )
  })
})

describe('processes whose reader has closed the pipe', { timeout: 3 * timeout }, () => {
  const told = `({ message, code, syscall, errno }) => console.error(JSON.stringify({ message, code, syscall, errno }))`
  const afterTheEnd = (module: string, target: string) => `
    import { Process } from '${module}'
    process.stdout.on('error', () => {})
    process.stdin.resume()
    await new Promise(resolve => process.stdin.once('end', resolve))
    const child = new Process({ target: ${target} })
    child.start()
    await child.join()
    console.error('ended with', child.exitcode)`

  async function stderrOf(target: string): Promise<string[]> {
    await using scratch = await Scratch.create({ 'main.mjs': afterTheEnd(face('index'), target) })
    await using program = new Program(scratch.file('main.mjs'))
    const { stdin, stdout } = program.process
    stdout?.destroy()
    await sleep(0)
    stdin?.end()
    return linesOf((await program.outcome).stderr)
  }

  test("a stream's listener gets Node's own error", { timeout }, async () => {
    const target = `() => { process.stdout.on('error', ${told}); process.stdout.write('x') }`
    const lines = await stderrOf(target)
    assert.deepEqual(JSON.parse(lines[0]), { message: 'write EPIPE', code: 'EPIPE', syscall: 'write', errno: -32 })
    assert.equal(lines[1], 'ended with 0')
  })

  test('an error that nobody listens to ends the process with 1, as in Node', { timeout }, async () => {
    const lines = await stderrOf(`() => { process.stdout.write('x'); setTimeout(() => {}, 60_000) }`)
    assert.ok(lines.includes('Error: write EPIPE'), lines.join('\n'))
    assert.equal(lines.at(-1), 'ended with 1')
  })

  test('the console goes on in silence, as in Node', { timeout }, async () => {
    const lines = await stderrOf(`() => { for (let i = 0; i < 1000; i++) console.log(i) }`)
    assert.deepEqual(lines, ['ended with 0'])
  })
})
