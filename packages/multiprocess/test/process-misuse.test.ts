import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Process, ValueError } from '../src/index.ts'
import * as targets from './fixtures/process/targets.ts'

describe('misuse of a process', { timeout: 60_000 }, () => {
  const isValueError = (message: string) => (error: unknown) => {
    assert.ok(error instanceof ValueError, String(error))
    assert.equal(error.message, message)
    return true
  }

  test('before it has started', async () => {
    const child = new Process({ name: 'X' })
    await assert.rejects(child.join(), isValueError('cannot join X: it has not started'))
    assert.throws(() => child.joinSync(), isValueError('cannot join X: it has not started'))
    assert.throws(() => child.terminate(), isValueError('cannot send SIGTERM to X: it has not started'))
    assert.throws(() => child.kill(), isValueError('cannot send SIGKILL to X: it has not started'))
    assert.throws(() => child.interrupt(), isValueError('cannot send SIGINT to X: it has not started'))
    assert.throws(() => child.sentinel, isValueError('cannot wait for X: it has not started'))
    assert.deepEqual([child.pid, child.exitcode, child.isAlive()], [null, null, false])
  })

  test('starting twice, running or ended', async () => {
    const child = new Process({ name: 'X', target: targets.wait, args: [10] })
    child.start()
    assert.throws(() => child.start(), isValueError('cannot start X twice: make a new Process'))
    await child.join()
    assert.throws(() => child.start(), isValueError('cannot start X twice: make a new Process'))
    assert.equal(child.exitcode, 0)
  })

  test('closing', async () => {
    const child = new Process({ name: 'X', target: targets.stay })
    child.start()
    assert.throws(() => child.close(), isValueError('cannot close X while it runs: join or terminate it first'))
    child.kill()
    await child.join()
    child.close()
    child.close()
    await assert.rejects(child.join(), isValueError('X is closed'))
    for (const use of [
      () => child.start(),
      () => child.joinSync(),
      () => child.isAlive(),
      () => child.terminate(),
      () => child.kill(),
      () => child.interrupt(),
      () => child.pid,
      () => child.exitcode,
      () => child.sentinel
    ]) {
      assert.throws(use, isValueError('X is closed'))
    }
    const unstarted = new Process({ name: 'Y' })
    unstarted.close()
    assert.throws(() => unstarted.start(), isValueError('Y is closed'))
  })

  test('a daemon made of one that runs', async () => {
    const child = new Process({ name: 'X', target: targets.stay })
    child.daemon = true
    assert.equal(child.daemon, true)
    child.daemon = false
    child.start()
    assert.throws(() => (child.daemon = true), isValueError('cannot make X a daemon or none: it has started'))
    child.kill()
    await child.join()
  })

  test('options, names and times of the wrong type', async () => {
    const make = (options: unknown) => () => new Process(options as { name: string })
    assert.throws(make({ target: 5 }), {
      name: 'TypeError',
      message: 'target must be a function or { module, export }, not number'
    })
    assert.throws(make({ target: null }), {
      name: 'TypeError',
      message: 'target must be a function or { module, export }, not null'
    })
    assert.throws(make({ target: {} }), {
      name: 'TypeError',
      message: 'target must be a function or { module, export }, not object'
    })
    assert.throws(make({ args: 'text' }), { name: 'TypeError', message: 'args must be an array, not string' })
    assert.throws(make({ args: { 0: 1 } }), { name: 'TypeError', message: 'args must be an array, not object' })
    assert.throws(make({ name: 5 }), { name: 'TypeError', message: 'name must be a string, not number' })
    assert.throws(make({ daemon: 'yes' }), { name: 'TypeError', message: 'daemon must be true or false, not string' })
    const child = new Process({ target: targets.stay })
    assert.throws(() => (child.name = 5 as never), TypeError)
    assert.throws(() => (child.authkey = 'key' as never), TypeError)
    child.start()
    await assert.rejects(child.join({ timeout: '5' as never }), {
      name: 'TypeError',
      message: 'timeout must be a number of milliseconds, not string'
    })
    await assert.rejects(child.join({ timeout: Number.NaN }), RangeError)
    assert.throws(() => child.joinSync({ timeout: '5' as never }), TypeError)
    await assert.rejects(child.join({ signal: {} as never }), TypeError)
    child.kill()
    await child.join()
  })

  test('what an inspected process looks like', async () => {
    const child = new Process({ name: 'X', target: targets.exit, args: [3], daemon: true })
    assert.equal(inspect(child), 'Process { X, daemon, initial }')
    child.start()
    assert.equal(inspect(child), `Process { X, daemon, pid ${child.pid}, running }`)
    const { pid } = child
    await child.join()
    assert.equal(inspect(child), `Process { X, daemon, pid ${pid}, ended with 3 }`)
    child.close()
    assert.equal(inspect(child), 'Process { X, daemon, closed }')
  })
})
