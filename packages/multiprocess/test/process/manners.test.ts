/** What a user sees of children that fail, print, or are kept. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Program, runProgram, Scratch, until } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(90_000)
const face = (name: string) => new URL(`../../src/${name}.js`, import.meta.url).href

for (const module of ['index', 'threads']) {
  describe(`children, by ${module}`, { timeout: 4 * timeout }, () => {
    test('an uncaught error names the process, once', { timeout }, async () => {
      const { stdout, stderr } = await runProgram(`
        import { Process } from '${face(module)}'
        const child = new Process({ name: 'the-one', target: () => { throw new RangeError('went wrong') } })
        child.start()
        await child.join()
        console.log(child.exitcode)`)
      assert.equal(stdout, '1\n')
      assert.match(stderr, /^Process the-one:\n[\s\S]*RangeError.*: went wrong\n/)
      assert.equal(stderr.match(/Process the-one:/g)?.length, 1)
    })

    test('an error that the child handles itself prints no name', { timeout }, async () => {
      const { stdout, stderr } = await runProgram(`
        import { Process } from '${face(module)}'
        const child = new Process({ target: () => {
          process.on('uncaughtException', ({ message }) => console.log(message))
          setTimeout(() => { throw new Error('handled') })
        } })
        child.start()
        await child.join()
        console.log(child.exitcode)`)
      assert.deepEqual([stdout, stderr], ['handled\n0\n', ''])
    })

    test('the output of tasks is there when the program ends at once', { timeout }, async () => {
      const text = `
        import { Pool } from '${face(module)}'
        const pool = new Pool(2)
        await pool.map(from => {
          for (let i = from; i < from + 1000; i++) {
            console.log('out', i)
            process.stderr.write('err ' + i + '\\n')
          }
        }, [0, 1000], { chunksize: 1 })
        process.exit(0)`
      const { stdout, stderr, code } = await runProgram(text)
      assert.equal(code, 0, stderr)
      for (const [name, text] of [
        ['out', stdout],
        ['err', stderr]
      ]) {
        const numbers = text
          .trimEnd()
          .split('\n')
          .map(line => Number(line.replace(`${name} `, '')))
        assert.deepEqual(
          numbers.sort((a, b) => a - b),
          Array.from({ length: 2000 }, (_, i) => i)
        )
      }
    })

    test('a Process that has started keeps neither its target nor its arguments', { timeout }, async () => {
      const { stdout, stderr } = await runProgram(
        `
        import { Event, Process } from '${face(module)}'
        const end = new Event()
        const start = () => {
          const heavy = { data: 'x'.repeat(1000) }
          const target = (heavy, end) => void end.waitSync() ?? heavy
          const child = new Process({ target, args: [heavy, end] })
          child.start()
          return [child, new WeakRef(target), new WeakRef(heavy)]
        }
        const [child, ...kept] = start()
        for (let i = 0; i < 100 && kept.some(ref => ref.deref() !== undefined); i++) {
          await new Promise(resolve => setTimeout(resolve, 10))
          globalThis.gc()
        }
        console.log(child.isAlive(), kept.map(ref => ref.deref()).join())
        await end.set()
        console.log(await child.join(), child.exitcode)`,
        { execArgv: ['--expose-gc'] }
      )
      assert.equal(stdout, 'true ,\ntrue 0\n', stderr)
    })
  })
}

test("the line of an uncaught error that Node quotes is the user's, even in a closure", { timeout }, async () => {
  const text = `
    import { Process } from '${face('index')}'
    const captured = 4
    const child = new Process({ target: n => { throw new RangeError('bad ' + (n + captured)) }, args: [1] })
    child.start()
    await child.join()`
  const { stderr } = await runProgram(text)
  const [, place, quoted, mark] = stderr.split('\n')
  assert.match(place, /main\.mjs:4$/)
  assert.match(quoted, /^ +n => \{ throw new RangeError\('bad ' \+ \(n \+ captured\)\) \}$/)
  // The mark is below the column that the error was made at.
  assert.equal(mark.indexOf('^'), text.split('\n')[3].indexOf('new RangeError'))
  assert.match(
    stderr,
    new RegExp(`at target \\(file:.*main\\.mjs:4:${text.split('\n')[3].indexOf('new RangeError') + 1}\\)`)
  )
})

describe('a parent that can kill no process', {
  skip: process.getuid?.() === 0 ? false : 'only root can become another user'
}, () => {
  test('children of a parent that can kill no process end with it, even in a busy loop', { timeout }, async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '${face('index')}'
        const child = new Process({ target: () => { process.stdout.write('busy\\n'); for (;;); } })
        child.start()
        await new Promise(resolve => setTimeout(resolve, 500))
        process.setgroups([]); process.setgid(65534); process.setuid(65534)
        process.stdout.write('became another\\n')
        setInterval(() => {}, 1000)`
    })
    await using program = new Program(scratch.file('main.mjs'))
    await program.printed(/became another/)
    await program.printed(/busy/)
    assert.equal(program.members.length, 2)
    program.process.kill('SIGKILL')
    await until(() => program.members.length === 0, 'the child to end')
  })
})
