import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Process } from '../../src/index.ts'
import * as targets from '../fixtures/process/targets.ts'
import { runForJson, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

describe('who a process is', { timeout: limit(60_000) }, () => {
  interface Description {
    atImport: { isMainProcess: boolean; argv: string[] }
    isMainProcess: boolean
    argv: string[]
    pid: number
    ppid: number
    stdin: string
    cwd: string
    current: Record<string, unknown>
    parent: Record<string, unknown>
  }

  test('a child knows itself and its parent', async () => {
    const text = `
      import { Process, currentProcess, isMainProcess, parentProcess } from '%LIBRARY%'
      import { describeProcess } from '%TARGETS%'
      import { readFileSync } from 'node:fs'
      const child = new Process({ target: describeProcess, args: [process.argv[2]], name: 'a name' })
      child.start()
      await child.join()
      const current = currentProcess()
      console.log(JSON.stringify({
        exitcode: child.exitcode, childPid: child.pid, pid: process.pid, argv: process.argv, isMainProcess, cwd: process.cwd(),
        parent: parentProcess(), name: current.name, daemon: current.daemon, currentPid: current.pid, isAlive: current.isAlive(),
        currentExitcode: current.exitcode, isSame: current === currentProcess(), authkey: Buffer.from(current.authkey).toString('hex'),
        child: JSON.parse(readFileSync(process.argv[2], 'utf8'))
      }))`
    await using scratch = await Scratch.create()
    const file = scratch.file('child.json')
    const seen = (await runForJson(text, { args: [file, 'more', '--flag'] })) as Record<string, unknown> & {
      child: Description
    }
    const { child } = seen
    assert.equal(seen['exitcode'], 0)
    assert.deepEqual(
      [
        seen['name'],
        seen['daemon'],
        seen['isMainProcess'],
        seen['parent'],
        seen['isAlive'],
        seen['currentExitcode'],
        seen['isSame']
      ],
      ['MainProcess', false, true, null, true, null, true]
    )
    assert.equal(seen['currentPid'], seen['pid'])
    assert.match(String(seen['authkey']), /^[0-9a-f]{64}$/)
    assert.deepEqual(child.current, {
      name: 'a name',
      daemon: false,
      pid: seen['childPid'],
      exitcode: null,
      isAlive: true,
      authkey: seen['authkey'],
      isProcess: true,
      isSame: true
    })
    assert.deepEqual(child.parent, {
      name: 'MainProcess',
      pid: seen['pid'],
      isAlive: true,
      exitcode: null,
      isProcess: true,
      isSame: true
    })
    assert.deepEqual([child.pid, child.ppid, child.isMainProcess], [seen['childPid'], seen['pid'], false])
    assert.deepEqual(child.argv, seen['argv'], "process.argv is the parent's")
    assert.deepEqual(child.argv.slice(2), [file, 'more', '--flag'])
    assert.deepEqual(child.atImport, { isMainProcess: false, argv: seen['argv'] })
    assert.equal(child.stdin, '')
    assert.equal(child.cwd, seen['cwd'])
  })

  test('a child knows itself and its parent while the modules of functions among its arguments load', async () => {
    await using scratch = await Scratch.create({
      'asking.mjs': `
        import { currentProcess, isMainProcess, parentProcess } from '%LIBRARY%'
        const seen = { name: currentProcess().name, parent: parentProcess()?.name, isMainProcess, argv: process.argv.slice(2) }
        export function ask() { return seen }`,
      'target.mjs': `
        import { currentProcess } from '%LIBRARY%'
        export function tell(ask) { console.log(JSON.stringify({ ...ask(), later: currentProcess().name })) }`
    })
    const text = `
      import { Process } from '%LIBRARY%'
      import { ask } from '${scratch.url('asking.mjs')}'
      import { tell } from '${scratch.url('target.mjs')}'
      new Process({ target: tell, args: [ask], name: 'asked' }).start()`
    const expected = {
      name: 'asked',
      parent: 'MainProcess',
      isMainProcess: false,
      argv: ['an argument'],
      later: 'asked'
    }
    assert.deepEqual(await runForJson(text, { args: ['an argument'] }), expected)
  })

  test("names count up, and names of grandchildren begin with the child's", async () => {
    await using scratch = await Scratch.create()
    const text = `
      import { Process } from '%LIBRARY%'
      import { nest, nothing } from '%TARGETS%'
      const names = [new Process().name, new Process({ target: nothing, name: 'own' }).name, new Process().name]
      const child = new Process({ target: nest, args: [process.argv[2], 2, 2] })
      child.start()
      await child.join()
      console.log(JSON.stringify({ names, exitcode: child.exitcode, pid: process.pid }))`
    const file = scratch.file('names')
    const { names, exitcode, pid } = (await runForJson(text, { args: [file] })) as {
      names: string[]
      exitcode: number
      pid: number
    }
    assert.deepEqual([names, exitcode], [['Process-1', 'own', 'Process-3'], 0])
    const seen = (await scratch.lines('names')).map(
      line => JSON.parse(line) as { name: string; pid: number; parent: string; ppid: number }
    )
    assert.deepEqual(seen.map(({ name }) => name).toSorted(), [
      'Process-4',
      'Process-4:1',
      'Process-4:1:1',
      'Process-4:1:2',
      'Process-4:2',
      'Process-4:2:1',
      'Process-4:2:2'
    ])
    const pids = new Map(seen.map(process => [process.name, process.pid]))
    for (const { name, parent, ppid } of seen) {
      const expected = name === 'Process-4' ? 'MainProcess' : name.slice(0, name.lastIndexOf(':'))
      assert.deepEqual([parent, ppid], [expected, pids.get(expected) ?? pid])
    }
  })

  test('a name can be changed, and the child has the name of its start', async () => {
    await using scratch = await Scratch.create()
    const child = new Process({ target: targets.describeProcess, args: [scratch.file('child')] })
    child.name = 'renamed'
    child.authkey = new Uint8Array([1, 2, 3])
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    const { current } = JSON.parse(await scratch.read('child')) as Description
    assert.deepEqual([current['name'], current['authkey']], ['renamed', '010203'])
  })

  test('the key is inherited by grandchildren, and can be set for later children', async () => {
    await using scratch = await Scratch.create({
      'targets.mjs': `
        import { Process, currentProcess } from '%LIBRARY%'
        import { writeAuthkey } from '%TARGETS%'
        export function child(file) { new Process({ target: writeAuthkey, args: [file] }).start() }`
    })
    const text = `
      import { Process, currentProcess } from '%LIBRARY%'
      import { child } from '${scratch.url('targets.mjs')}'
      currentProcess().authkey = new Uint8Array([9, 8, 7])
      new Process({ target: child, args: [process.argv[2]] }).start()
      console.log('{}')`
    await runForJson(text, { args: [scratch.file('key')] })
    assert.equal(await scratch.read('key'), '090807')
  })

  test('a renamed process is the parent by its new name', async () => {
    await using scratch = await Scratch.create()
    const text = `
      import { Process, currentProcess } from '%LIBRARY%'
      import { describeProcess } from '%TARGETS%'
      currentProcess().name = 'renamed'
      new Process({ target: describeProcess, args: [process.argv[2]] }).start()
      console.log('{}')`
    await runForJson(text, { args: [scratch.file('child')] })
    assert.equal((JSON.parse(await scratch.read('child')) as Description).parent['name'], 'renamed')
  })
})
