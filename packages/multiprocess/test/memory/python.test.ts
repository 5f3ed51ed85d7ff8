import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { SharedMemory } from '../../src/index.ts'
import { ATTACH, python, pythonVersion } from '../fixtures/memory/python.ts'
import { limit } from '../fixtures/slowness.ts'

const skip = pythonVersion === 0 && 'needs python3'

describe('SharedMemory and CPython', { timeout: limit(60_000), skip }, () => {
  test('Python attaches to memory of this package by its name, and writes to it', () => {
    using shm = new SharedMemory({ create: true, size: 5000 })
    shm.buf.set([1, 2, 3])
    const seen = python(
      `${ATTACH}
shm = attach(sys.argv[1])
print(shm.name == sys.argv[1], shm.size, bytes(shm.buf[:4]).hex())
shm.buf[4999] = 77
shm.close()`,
      shm.name
    )
    assert.equal(seen, 'True 5000 01020300')
    assert.equal(shm.buf[4999], 77)
    assert.ok(existsSync(`/dev/shm/${shm.name}`), 'attaching has not destroyed it')
    shm.unlink()
  })

  test('Python unlinks memory of this package', () => {
    using shm = new SharedMemory({ create: true, size: 10 })
    python(
      'import sys\nfrom multiprocessing.shared_memory import SharedMemory\nSharedMemory(sys.argv[1]).unlink()',
      shm.name
    )
    assert.throws(() => shm.unlink(), { code: 'ENOENT' })
  })

  test('this package attaches to memory of Python, and does not destroy it', async () => {
    const child = spawn('python3', [
      '-c',
      `
import sys
from multiprocessing.shared_memory import SharedMemory
shm = SharedMemory(create=True, size=10001)
shm.buf[:5] = b'hello'
print(shm.name, flush=True)
sys.stdin.readline()
print(bytes(shm.buf[:5]).decode(), shm.buf[10000], flush=True)
shm.close()
shm.unlink()`
    ])
    let printed = ''
    let errors = ''
    child.stderr.on('data', text => (errors += text))
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    await new Promise<void>(resolve =>
      child.stdout.on('data', text => {
        printed += text
        if (printed.includes('\n')) resolve()
      })
    )
    const name = printed.trim()
    for (let i = 0; i < 2; i++) {
      using shm = new SharedMemory({ name })
      assert.deepEqual([shm.size, Buffer.from(shm.buf.subarray(1, 5)).toString()], [10_001, 'ello'])
      shm.buf[0] = 74
      shm.buf[10_000] = 200
    }
    printed = ''
    child.stdin.end('\n')
    assert.equal(await ended, 0)
    assert.deepEqual([printed, errors], ['Jello 200\n', ''])
    assert.throws(() => new SharedMemory({ name }), { code: 'ENOENT' })
  })

  test('Python before 3.13 unlinks at its end what it attached to, as the docs say', () => {
    using shm = new SharedMemory({ create: true, size: 10 })
    const code = 'import sys\nfrom multiprocessing.shared_memory import SharedMemory\nSharedMemory(sys.argv[1]).close()'
    if (pythonVersion < 13) assert.throws(() => python(code, shm.name), /resource_tracker: There appear to be 1 leaked/)
    else python(code.replace(').close', ', track=False).close'), shm.name)
    assert.equal(existsSync(`/dev/shm/${shm.name}`), pythonVersion >= 13)
  })
})
