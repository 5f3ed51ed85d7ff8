import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Process } from '../../src/index.ts'
import { Named, Slow, Wrapping, Writer } from '../fixtures/process/subclasses.ts'
import { write } from '../fixtures/process/targets.ts'
import { runProgram, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

describe('a subclass of Process', { timeout: limit(60_000) }, () => {
  test('a subclass of Process runs its own run() in the child, with its fields, methods and name', async () => {
    await using scratch = await Scratch.create()
    const child = new Writer(scratch.file('result'), new Map([['key', [1, 2]]]))
    child.count = 41
    child.count++
    child.start()
    assert.equal(await child.join(), true)
    assert.equal(child.exitcode, 0)
    assert.deepEqual(JSON.parse(await scratch.read('result')), {
      text: '42 of [["key",[1,2]]]',
      name: 'the writer',
      pid: child.pid,
      isWriter: true,
      isCurrent: true,
      constructed: 0,
      hasSecret: false
    })
    assert.ok(child instanceof Writer && child instanceof Process)
    assert.equal(child.describe(), '42 of [["key",[1,2]]]')
  })

  test('the run() of a subclass may be asynchronous, and its error ends the child with 1 and is printed', async () => {
    const { stdout, stderr } = await runProgram(`
      import { Slow } from '%SUBCLASSES%'
      const child = new Slow()
      child.start()
      await child.join()
      console.log(child.exitcode)`)
    assert.equal(stdout, '1\n')
    assert.match(stderr, /^Error: the run of Slow$/m)
    assert.equal(new Slow().name.startsWith('Process-'), true)
  })

  test('a subclass without its own run() runs the target', async () => {
    await using scratch = await Scratch.create()
    const child = new Named({ target: write, args: [scratch.file('result'), 'by the target'] })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.equal(await scratch.read('result'), 'by the target')
  })

  test('a subclass whose run() calls the inherited run() runs the target', async () => {
    await using scratch = await Scratch.create()
    const child = new Wrapping(write, [scratch.file('result'), 'by the inherited run'])
    child.start()
    await child.join()
    assert.equal(child.exitcode, 0)
    assert.equal(await scratch.read('result'), 'by the inherited run')
  })

  test('run() that is called here runs the target here', async () => {
    await using scratch = await Scratch.create()
    const child = new Process({ target: write, args: [scratch.file('result'), 'here'] })
    await child.run()
    assert.equal(await scratch.read('result'), 'here')
    assert.equal(child.pid, null)
  })
})
