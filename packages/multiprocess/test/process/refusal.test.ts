import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { currentFamily } from '../../src/ground/family.ts'
import { Process, SerializationError } from '../../src/index.ts'
import { makeHidden } from '../fixtures/process/subclasses.ts'
import * as targets from '../fixtures/process/targets.ts'
import { descriptorCount, Program, runProgram, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

function isRefusal(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof SerializationError, String(error))
    assert.match(error.message, message)
    return true
  }
}

describe('what cannot cross is refused at the start', { timeout: limit(60_000) }, () => {
  test('the refusal tells what cannot cross, where it is, and what to do', () => {
    const captured = process.stdin
    const local = () => void captured
    const cases: [Process<never[]>, RegExp][] = [
      [
        new Process({ target: local }),
        /^cannot send `local` \(\S+\.target\): captured variable `captured` \(via `local`\) is a /
      ],
      [
        new Process({ target: targets.writeArgs, args: ['a', [() => captured]] }),
        /^cannot send an anonymous function \(\S+\.args\[1\]\[0\]\): captured variable `captured` \(via `anonymous`\)/
      ],
      [new Process({ target: targets.nothing.bind(captured) }), /^cannot send \S+\.target\.this: it is a /],
      [new Process({ target: makeHidden as never, args: [local] }), /^cannot send `local` \(\S+\.args\[0\]\)/],
      [new Process({ target: targets.write, args: ['a', { x: [Symbol('s')] } as never] }), /args\[1\]\.x\[0\]/],
      [new Process({ target: targets.writeArgs, args: ['a', Promise.resolve()] }), /args\[1\].*Promise/],
      [new Process({ target: targets.writeArgs, args: ['a', { deep: new WeakMap() }] }), /args\[1\]\.deep.*WeakMap/]
    ]
    for (const [child, message] of cases) assert.throws(() => child.start(), isRefusal(message))
  })

  test('functions and classes of the main module run, and captured values that cannot cross are refused', async () => {
    const { code, stdout } = await runProgram(`
      import { Process } from '%LIBRARY%'
      const wait = Promise.resolve()
      function work() { console.log('work') }
      export function exported() { console.log('exported') }
      class Own extends Process { run() { console.log('Own') } }
      class Holding extends Process { run() { return wait } }
      for (const make of [() => new Process({ target: work }), () => new Process({ target: exported }), () => new Own(), () => new Holding()]) {
        const child = make()
        try {
          child.start()
          await child.join()
        } catch (error) {
          console.log(error.name + ': ' + error.message)
        }
      }`)
    assert.equal(code, 0)
    const reason = 'is a Promise; await it first, and send the result'
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'work',
      'exported',
      'Own',
      `SerializationError: cannot send \`Holding\` (Process-4.subclass): captured variable \`wait\` (via \`Holding\`) ${reason}`
    ])
  })

  test('a refused start leaves nothing behind, and can be tried again', async () => {
    const { arena, table } = currentFamily()
    const warm = new Process({ target: targets.nothing })
    warm.start()
    await warm.join()
    const count = () => ({
      blocks: arena.liveBlocks,
      members: [...table.members()].length,
      descriptors: descriptorCount()
    })
    const before = count()
    const list: unknown[] = [Symbol('cannot cross')]
    const child = new Process({ target: targets.nothing as (list: unknown[]) => void, args: [list] })
    for (let round = 0; round < 100; round++) assert.throws(() => child.start(), SerializationError)
    assert.deepEqual(count(), before)
    assert.deepEqual([child.pid, child.exitcode, child.isAlive()], [null, null, false])
    list.length = 0
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
  })

  test('a getter that throws makes the start throw its error, and leaves nothing behind', () => {
    const { arena } = currentFamily()
    const before = arena.liveBlocks
    const error = new Error('of the getter')
    const argument = {
      get value(): number {
        throw error
      }
    }
    const child = new Process({ target: targets.writeArgs, args: ['a', argument] })
    assert.throws(
      () => child.start(),
      (thrown: unknown) => thrown === error
    )
    assert.equal(arena.liveBlocks, before)
  })

  test('names of functions that have no meaning are refused', () => {
    const start = (target: unknown) => () => new Process({ target: target as { module: string } }).start()
    assert.throws(start({ module: './targets.js' }), isRefusal(/`module` is relative/))
    assert.throws(start({ module: '' }), isRefusal(/`module` must be a URL or a string/))
    assert.throws(start({ module: 5 }), isRefusal(/`module` must be a URL or a string/))
    assert.throws(start({ module: 'no-such-package-here' }), isRefusal(/no package that .* can require/))
    assert.throws(
      start({ module: import.meta.url.replace('.test.', '.none.'), export: 5 }),
      isRefusal(/`export` must be the name/)
    )
  })
})

/** At the top of a module: counts how often it runs, and ends what would otherwise go on without end. */
const COUNT_RUNS = `
  import { appendFileSync, readFileSync } from 'node:fs'
  appendFileSync(process.env.RUNS, process.pid + '\\n')
  if (readFileSync(process.env.RUNS, 'utf8').split('\\n').length > 30) process.kill(process.pid, 'SIGKILL')
  `

describe('no program forks without end', { timeout: limit(60_000) }, () => {
  /** The program's outcome, and how often the module that counts has run. */
  async function countRuns(files: Record<string, string>, execArgv: string[] = [], env: Record<string, string> = {}) {
    await using scratch = await Scratch.create(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replace('COUNT_RUNS', COUNT_RUNS)]))
    )
    const inDirectory = (text: string) => text.replace('DIRECTORY', scratch.directory)
    await using program = new Program(scratch.file('main.mjs'), {
      execArgv: execArgv.map(inDirectory),
      env: {
        RUNS: scratch.file('runs'),
        ...Object.fromEntries(Object.entries(env).map(([key, value]) => [key, inDirectory(value)]))
      }
    })
    const outcome = await program.outcome
    await program.gone()
    return { ...outcome, runs: (await scratch.lines('runs')).length }
  }

  test('the main program runs once, whatever its children do', async () => {
    const { runs, code, stdout } = await countRuns({
      'main.mjs': `COUNT_RUNS
        import { Process } from '%LIBRARY%'
        import { nest, nothing } from '%TARGETS%'
        const children = [
          new Process({ target: nothing }),
          new Process({ target: nest, args: [process.env.RUNS + '.nested', 2, 1] }),
          new Process({ target: (await import('./other.mjs')).work })
        ]
        for (const child of children) child.start()
        for (const child of children) await child.join()
        console.log(children.map(child => child.exitcode).join())`,
      'other.mjs': 'export function work() {}'
    })
    assert.deepEqual([runs, code, stdout], [1, 0, '0,0,0\n'])
  })

  test('a module that starts a process while it is imported is refused in the child', async () => {
    const { runs, code, stdout, stderr } = await countRuns({
      'main.mjs': "import './both.mjs'",
      'both.mjs': `COUNT_RUNS
        import { Process } from '%LIBRARY%'
        export function work() {}
        const child = new Process({ target: work })
        child.start()
        await child.join()
        console.log('exit code', child.exitcode)`
    })
    assert.deepEqual([runs, code, stdout], [2, 0, 'exit code 1\n'])
    assert.match(
      stderr,
      /ValueError: cannot start a process while a child imports its modules, or the same import would start processes without end\. Start processes in a function, or only if isMainProcess/
    )
  })

  test('a module of a function among the arguments that starts a process is refused in the child', async () => {
    const { runs, stdout } = await countRuns({
      'main.mjs': "import './both.mjs'",
      'both.mjs': `COUNT_RUNS
        import { Process } from '%LIBRARY%'
        import { callArgs } from '%TARGETS%'
        export function work() {}
        const child = new Process({ target: callArgs, args: ['/dev/null', work, {}] })
        child.start()
        await child.join()
        console.log('exit code', child.exitcode)`
    })
    assert.deepEqual([runs, stdout], [2, 'exit code 1\n'])
  })

  test('isMainProcess guards a module that starts a process while it is imported', async () => {
    const { runs, stdout, stderr } = await countRuns({
      'main.mjs': "import './both.mjs'",
      'both.mjs': `COUNT_RUNS
        import { isMainProcess, Process } from '%LIBRARY%'
        export function work() { console.log('worked') }
        if (isMainProcess) new Process({ target: work }).start()`
    })
    assert.deepEqual([runs, stdout, stderr], [2, 'worked\n', ''])
  })

  const delayed = (target: string) => `COUNT_RUNS
    import { isMainProcess, Process } from '%LIBRARY%'
    export function work() { console.log('worked') }
    async function main() {
      await new Promise(resolve => setTimeout(resolve, 5))
      const child = new Process({ target: ${target} })
      child.start()
      await child.join()
    }
    main()`
  const tooDeep =
    /ValueError: cannot start Process-1(:1)+: processes are nested 16 deep already\. .* ask isMainProcess there/

  test('a module that is imported, and starts a process a moment later, ends somewhere', async () => {
    const { runs, stderr } = await countRuns({ 'main.mjs': "import './both.mjs'", 'both.mjs': delayed('work') })
    assert.equal(runs, 17)
    assert.match(stderr, tooDeep)
  })

  test('isMainProcess guards that module, too, even if it is the main module and names itself', async () => {
    const { runs, stdout, stderr } = await countRuns({
      'main.mjs': delayed("{ module: import.meta.url, export: 'work' }").replace(
        /main\(\)$/,
        'if (isMainProcess) main()'
      )
    })
    assert.deepEqual([runs, stdout, stderr], [2, 'worked\n', ''])
  })

  test('a program whose --import or --require module starts a process ends somewhere', async () => {
    const files = {
      'main.mjs': '',
      'targets.mjs': 'export function work() {}',
      'preload.mjs': `COUNT_RUNS
        import { Process } from '%LIBRARY%'
        import { work } from './targets.mjs'
        new Process({ target: work }).start()`
    }
    const byOption = await countRuns(files, ['--import', 'DIRECTORY/preload.mjs'])
    const byEnvironment = await countRuns(files, [], { NODE_OPTIONS: '--import DIRECTORY/preload.mjs' })
    assert.deepEqual([byOption.runs, byEnvironment.runs], [2, 2])
    assert.match(byOption.stderr, /cannot start a process while a child imports its modules/)
  })

  test('isMainProcess is false in a module that --import loads in a child', async () => {
    const { runs, stdout, stderr } = await countRuns(
      {
        'main.mjs': '',
        'targets.mjs': "export function work() { console.log('worked') }",
        'preload.mjs': `COUNT_RUNS
          import { Process, isMainProcess } from '%LIBRARY%'
          import { work } from './targets.mjs'
          if (isMainProcess) new Process({ target: work }).start()`
      },
      ['--import', 'DIRECTORY/preload.mjs']
    )
    assert.deepEqual([runs, stdout, stderr], [2, 'worked\n', ''])
  })
})
