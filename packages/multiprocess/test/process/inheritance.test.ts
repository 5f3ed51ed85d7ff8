import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { inheritedExecArgv } from '../../src/ground/os/inherited-options.ts'
import { Program, runForJson, runProgram, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

/** A program that starts one child, which tells what it is to the file that is the first argument. */
const DESCRIBE = `
  import { Process } from '%LIBRARY%'
  import { describeProcess } from '%TARGETS%'
  import { readFileSync } from 'node:fs'
  const child = new Process({ target: describeProcess, args: [process.argv[2]] })
  child.start()
  await child.join()
  console.log(readFileSync(process.argv[2], 'utf8'))`

interface Description {
  execArgv: string[]
  argv: string[]
  cwd: string
}

async function describeChild(
  execArgv: string[],
  options: { cwd?: string; env?: Record<string, string> } = {}
): Promise<Description> {
  await using scratch = await Scratch.create()
  return (await runForJson(DESCRIBE, { execArgv, args: [scratch.file('child')], ...options })) as Description
}

describe('a child inherits', { timeout: limit(60_000) }, () => {
  test('a child inherits the environment and the working directory at its start', async () => {
    await using scratch = await Scratch.create()
    mkdirSync(scratch.file('elsewhere'))
    const text = `
      import { Process } from '%LIBRARY%'
      import { writeEnvironment, describeProcess } from '%TARGETS%'
      import { readFileSync } from 'node:fs'
      const [directory, file, elsewhere] = process.argv.slice(2)
      process.env.SET_LATER = 'later'
      delete process.env.TO_DELETE
      const children = [
        new Process({ target: writeEnvironment, args: [directory + '/env', 'GIVEN', 'SET_LATER', 'TO_DELETE'] }),
        new Process({ target: describeProcess, args: [file] })
      ]
      children[0].start()
      process.chdir(elsewhere)
      children[1].start()
      for (const child of children) await child.join()
      console.log(JSON.stringify([JSON.parse(readFileSync(directory + '/env')), JSON.parse(readFileSync(file)).cwd]))`
    const seen = await runForJson(text, {
      args: [scratch.directory, scratch.file('child'), scratch.file('elsewhere')],
      env: { GIVEN: 'given', TO_DELETE: 'here' }
    })
    assert.deepEqual(seen, [['given', 'later', null], scratch.file('elsewhere')])
  })

  test('a child and its own children inherit options of Node', async () => {
    const options = ['--max-old-space-size=300', '--enable-source-maps', '--no-warnings', '--conditions', 'custom']
    const { execArgv } = await describeChild(options)
    assert.deepEqual(execArgv, options)
  })

  test("a child inherits no option that names a program or a port of the parent's own", async () => {
    assert.deepEqual((await describeChild(['--inspect=127.0.0.1:0', '--no-warnings'])).execArgv, ['--no-warnings'])
    await using scratch = await Scratch.create()
    const code = DESCRIBE.replaceAll("'%LIBRARY%'", JSON.stringify(new URL('../../src/index.js', import.meta.url).href))
      .replaceAll("'%TARGETS%'", JSON.stringify(new URL('../fixtures/process/targets.js', import.meta.url).href))
      .replaceAll('argv[2]', 'argv[1]')
    await using program = new Program('', {
      execArgv: ['--no-warnings', '--input-type=module', '-e', code],
      args: [scratch.file('child')]
    })
    const { code: status, stdout, stderr } = await program.outcome
    assert.equal(status, 0, stderr)
    const { execArgv, argv } = JSON.parse(stdout) as Description
    assert.deepEqual(execArgv, ['--no-warnings'])
    assert.deepEqual(argv.slice(1), [scratch.file('child')])
  })

  test('a child inherits the loaders of --import and --require', async () => {
    await using scratch = await Scratch.create({
      'hooks.mjs': `
        export async function resolve(specifier, context, next) {
          if (specifier === 'virtual:answer') return { url: 'virtual:answer', shortCircuit: true }
          return next(specifier, context)
        }
        export async function load(url, context, next) {
          if (url !== 'virtual:answer') return next(url, context)
          return { format: 'module', shortCircuit: true, source: 'export function answer() { console.log(42, globalThis.required) }' }
        }`,
      'register.mjs': `
        import { register } from 'node:module'
        register('./hooks.mjs', import.meta.url)`,
      'required.cjs': 'globalThis.required = true'
    })
    const { code, stdout, stderr } = await runProgram(
      `
        import { Process } from '%LIBRARY%'
        import { answer } from 'virtual:answer'
        new Process({ target: answer }).start()`,
      { execArgv: ['--import', scratch.url('register.mjs'), '--require', scratch.file('required.cjs')] }
    )
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '42 true\n')
  })

  test('a child inherits the options in NODE_OPTIONS', async () => {
    await using scratch = await Scratch.create({ 'required.cjs': 'globalThis.required = true' })
    await scratch.write('targets.mjs', 'export function tell() { console.log(globalThis.required) }')
    const { stdout, stderr } = await runProgram(
      `
        import { Process } from '%LIBRARY%'
        import { tell } from '${scratch.url('targets.mjs')}'
        new Process({ target: tell }).start()`,
      { env: { NODE_OPTIONS: `--require ${scratch.file('required.cjs')}` } }
    )
    assert.equal(stdout, 'true\n', stderr)
  })

  test('a relative path in the options names the same file after the working directory has changed', async () => {
    await using scratch = await Scratch.create({
      'loader.mjs': 'globalThis.isLoaded = true',
      'targets.mjs': 'export function tell() { console.log(globalThis.isLoaded) }',
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { tell } from './targets.mjs'
        process.chdir('/')
        new Process({ target: tell }).start()`
    })
    await using program = new Program('main.mjs', { execArgv: ['--import', './loader.mjs'], cwd: scratch.directory })
    const { stdout, stderr } = await program.outcome
    assert.equal(stdout, 'true\n', stderr)
  })

  test('a child inherits stdout and stderr, but not stdin', async () => {
    await using scratch = await Scratch.create({
      'main.mjs': `
        import { Process } from '%LIBRARY%'
        import { print } from '%TARGETS%'
        process.stdin.on('data', text => console.log('parent read ' + text))
        const child = new Process({ target: print, args: ['child'] })
        child.start()
        await child.join()
        console.log('joined')`
    })
    await using program = new Program(scratch.file('main.mjs'))
    await program.printed(/joined/)
    program.process.stdin?.end('a line')
    const outcome = await program.outcome
    assert.deepEqual(outcome, {
      code: 0,
      signal: null,
      stdout: 'child to stdout\njoined\nparent read a line\n',
      stderr: 'child to stderr\n'
    })
  })

  test('a child inherits no other descriptor than these and the arena', async () => {
    await using scratch = await Scratch.create({
      'targets.mjs': `
        import { readdirSync, readlinkSync } from 'node:fs'
        import { spawnSync } from 'node:child_process'
        const list = () => readdirSync('/proc/self/fd').flatMap(fd => {
          try { return [readlinkSync('/proc/self/fd/' + fd)] } catch { return [] }
        })
        export function tell(file) {
          const own = list().filter(link => link === file || link.startsWith('/memfd:'))
          const child = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' })
          console.log(JSON.stringify({ own, hasChildArena: child.stdout.includes('memfd') }))
        }`,
      secret: 'secret'
    })
    const text = `
      import { openSync } from 'node:fs'
      import { spawnSync } from 'node:child_process'
      import { Process } from '%LIBRARY%'
      import { tell } from '${scratch.url('targets.mjs')}'
      openSync('${scratch.file('secret')}')
      const child = new Process({ target: tell, args: ['${scratch.file('secret')}'] })
      child.start()
      if (spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }).stdout.includes('memfd')) throw new Error('the arena leaks')`
    assert.deepEqual(await runForJson(text), { own: ['/memfd:multiprocess (deleted)'], hasChildArena: false })
  })
})

test('the options of Node that children inherit are chosen', () => {
  const cases: [string[], string[]][] = [
    [[], []],
    [['-e', 'code'], []],
    [['--eval=code', '--no-warnings'], ['--no-warnings']],
    [['-p', 'code', '--no-warnings'], ['--no-warnings']],
    [['-pe', 'code'], []],
    [['-p', '-e', 'code'], []],
    [['--input-type=module', '-e', 'code'], []],
    [['--input-type', 'module', '-e', 'code'], []],
    [['-i'], []],
    [['--interactive', '--trace-warnings'], ['--trace-warnings']],
    [['--inspect', '--inspect-brk=9229', '--inspect-port=0', '--inspect-publish-uid=http'], []],
    [['--inspect-port', '0', '--no-warnings'], ['--no-warnings']],
    [['--test', '--test-reporter=spec', '--test-only'], []],
    [['--test', '--test-reporter', 'spec', '--test-name-pattern', 'a b', '--no-warnings'], ['--no-warnings']],
    [['--watch', '--watch-path=src'], []],
    [['--watch-path', 'src', '--no-warnings'], ['--no-warnings']],
    [['--watch-preserve-output'], []],
    [['--run', 'script'], []],
    [
      ['--import', 'tsx'],
      ['--import', 'tsx']
    ],
    [
      ['--import=tsx', '-r', 'package/file'],
      ['--import=tsx', '-r', 'package/file']
    ],
    [
      ['--require', './a.cjs', '--import=../b.mjs'],
      ['--require', resolve('a.cjs'), `--import=${resolve('../b.mjs')}`]
    ],
    [
      ['--env-file=.env', '--env-file-if-exists', 'b'],
      [`--env-file=${resolve('.env')}`, '--env-file-if-exists', resolve('b')]
    ],
    [
      ['--env-file=./.env', '--require', '/a.cjs'],
      [`--env-file=${resolve('.env')}`, '--require', '/a.cjs']
    ],
    [
      ['-C', 'development'],
      ['-C', 'development']
    ],
    [
      ['--max-old-space-size=64', '--expose-gc'],
      ['--max-old-space-size=64', '--expose-gc']
    ],
    [['--testing-is-no-option'], ['--testing-is-no-option']]
  ]
  for (const [given, expected] of cases) assert.deepEqual(inheritedExecArgv(given), expected, given.join(' '))
})
