import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { MultiprocessError, SharedMemory, type SharedMemoryOptions } from '../../src/index.ts'
import { descriptorCount, runProgram } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const prefix = `mp-shared-${process.pid}`
let made = 0
const newName = () => `${prefix}-${made++}`
const pathOf = (name: string) => `/dev/shm/${name}`
const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/dev/shm']).status === 0

/** Lines of this process's memory map that have the file. */
function mappingsOf(inode: number): number {
  return readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .filter(line => line.split(/ +/)[4] === String(inode)).length
}

function failsWith(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MultiprocessError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}

describe('SharedMemory', { timeout: limit(30_000) }, () => {
  test('SharedMemory is a file of its size in /dev/shm that only its user may open', () => {
    const name = newName()
    using shm = new SharedMemory({ name, create: true, size: 12_345 })
    const { size, mode } = statSync(pathOf(name))
    assert.deepEqual([shm.name, shm.size, size, mode & 0o777], [name, 12_345, 12_345, 0o600])
    assert.ok(shm.buf instanceof Uint8Array)
    assert.deepEqual([shm.buf.length, shm.buf.byteOffset, shm.buf.buffer.byteLength], [12_345, 0, 12_345])
    assert.equal(shm.buf, shm.buf)
    assert.deepEqual(shm.buf, new Uint8Array(12_345))
    shm.unlink()
    assert.equal(existsSync(pathOf(name)), false)
    shm.buf[12_344] = 1
  })

  test('all processes that attach to SharedMemory see the same bytes', () => {
    using shm = new SharedMemory({ create: true, size: 100 })
    using other = new SharedMemory({ name: shm.name })
    using sized = new SharedMemory({ name: shm.name, size: 5 })
    shm.buf[99] = 7
    assert.deepEqual([other.buf[99], other.size, sized.size, sized.name], [7, 100, 100, shm.name])
    other.buf[0] = 8
    assert.equal(shm.buf[0], 8)
    shm.unlink()
    assert.equal(other.buf[0], 8)
  })

  test('SharedMemory without a name gets an unused name', () => {
    const all = Array.from({ length: 20 }, () => new SharedMemory({ create: true, size: 1 }))
    assert.equal(new Set(all.map(shm => shm.name)).size, 20)
    for (const shm of all) {
      assert.ok(existsSync(pathOf(shm.name)))
      shm.close()
      shm.unlink()
    }
  })

  test('closed SharedMemory has no bytes: every view has length 0, and the memory is unmapped', () => {
    const name = newName()
    const shm = new SharedMemory({ name, create: true, size: 8192 })
    const { buf } = shm
    const { ino } = statSync(pathOf(name))
    const views = [buf, buf.subarray(10, 20), new Int32Array(buf.buffer), Buffer.from(buf.buffer)]
    const view = new DataView(buf.buffer)
    buf[0] = 1
    assert.equal(mappingsOf(ino), 1)
    shm.close()
    assert.equal(mappingsOf(ino), 0)
    assert.deepEqual([buf.buffer.byteLength, ...views.map(view => view.length)], [0, 0, 0, 0, 0])
    assert.throws(() => view.getInt8(0), TypeError)
    buf[0] = 5
    assert.equal(buf[0], undefined)
    assert.throws(() => shm.buf, failsWith('ERR_VALUE', /"mp-shared-\d+-\d+" is closed/))
    shm.close()
    assert.deepEqual([shm.name, shm.size], [name, 8192])
    shm.unlink()
  })

  test('closed SharedMemory leaves memory usable that the program has transferred', () => {
    const name = newName()
    const shm = new SharedMemory({ name, create: true, size: 8192 })
    assert.equal(mappingsOf(statSync(pathOf(name)).ino), 1)
    const { ino } = statSync(pathOf(name))
    let moved = new Uint8Array()
    new ReadableStream({
      type: 'bytes',
      start(controller) {
        controller.enqueue(shm.buf)
        controller.close()
      }
    })
      .getReader()
      .read()
      .then(({ value }) => {
        moved = value as typeof moved
      })
    return new Promise<void>(resolve => setImmediate(resolve)).then(() => {
      assert.equal(moved.length, 8192)
      moved[0] = 9
      shm.close()
      shm.unlink()
      assert.equal(mappingsOf(ino), 0)
      assert.equal(moved[0], 0)
      moved[8191] = 4
      assert.equal(moved[8191], 4)
    })
  })

  test('dropped SharedMemory is unmapped when it is collected', async () => {
    const { stdout, stderr } = await runProgram(
      `
      import { readFileSync } from 'node:fs'
      import { SharedMemory } from '%LIBRARY%'
      const mapped = () => readFileSync('/proc/self/maps', 'latin1').split('/dev/shm/#').length - 1
      const create = name => new SharedMemory({ name, create: true, size: 5000 }).buf.subarray(3)
      let kept = create('${prefix}-kept')
      for (let i = 0; i < 10; i++) create('${prefix}-dropped-' + i)[0] = 1
      const before = mapped()
      for (let i = 0; i < 100 && mapped() > 1; i++) {
        gc()
        await new Promise(resolve => setImmediate(resolve))
      }
      kept[0] = 3
      console.log(before, mapped(), kept[0])`,
      { execArgv: ['--expose-gc'] }
    )
    assert.equal(stdout, '11 1 3\n', stderr)
  })

  test('SharedMemory that was already unlinked, here or elsewhere, cannot be unlinked again', () => {
    const name = newName()
    using first = new SharedMemory({ name, create: true, size: 10 })
    using same = new SharedMemory({ name })
    same.unlink()
    const gone = failsWith('ENOENT', /cannot unlink shared memory named ".*": it does not exist;/)
    assert.throws(() => same.unlink(), gone)
    assert.throws(() => first.unlink(), gone)
    using next = new SharedMemory({ name, create: true, size: 10 })
    assert.throws(() => first.unlink(), gone)
    assert.ok(existsSync(pathOf(name)), 'the next one has the name')
    next.unlink()
  })

  test('an invalid name of SharedMemory is refused', () => {
    const wrong: [unknown, RegExp][] = [
      ['', /'' cannot be the name of shared memory: it is empty/],
      ['a/b', /contains a slash/],
      ['/a', /contains a slash/],
      ['a\0b', /contains a NUL/],
      ['.', /it is a directory/],
      ['..', /it is a directory/],
      ['\ud800', /not well-formed/],
      ['é'.repeat(128), /has 256 bytes, and a name has at most 255/],
      [5, /5 cannot be the name .* must be a string/],
      [null, /must be a string/]
    ]
    for (const [name, message] of wrong) {
      const options = { name } as SharedMemoryOptions
      assert.throws(() => new SharedMemory(options), failsWith('ERR_VALUE', message))
      assert.throws(() => new SharedMemory({ ...options, create: true, size: 1 }), failsWith('ERR_VALUE', message))
    }
    for (const name of [`${prefix} ü\n+0 x`, `${prefix}${'é'.repeat(100)}`]) {
      using shm = new SharedMemory({ name, create: true, size: 1 })
      assert.ok(readdirSync('/dev/shm').includes(name))
      shm.unlink()
    }
  })

  test('invalid options of SharedMemory are refused', () => {
    const wrong: [unknown, RegExp][] = [
      [{}, /give the name .* or create: true and a size/],
      [undefined, /give the name/],
      [{ create: true }, /size must be at least 1 byte/],
      [{ create: true, size: 0 }, /size must be at least 1 byte/],
      [{ create: true, size: -1 }, /size must be an integer of 0 or more, got -1/],
      [{ create: true, size: 1.5 }, /got 1.5/],
      [{ create: true, size: Number.NaN }, /got NaN/],
      [{ name: 'x', size: -1 }, /got -1/],
      [{ create: true, size: 2 ** 32 }, /of 4294967296 bytes as one ArrayBuffer: the limit here is 4294967295 bytes/]
    ]
    for (const [options, message] of wrong) {
      assert.throws(() => new SharedMemory(options as SharedMemoryOptions), failsWith('ERR_VALUE', message))
    }
    const ofWrongType: [unknown, RegExp][] = [
      [{ create: true, size: '7' }, /^size must be an integer of 0 or more, got '7' \(a string\)$/],
      [{ create: 1, size: 1 }, /^create must be true or false, got 1$/],
      [{ create: true, size: 1, track: 0 }, /^track must be true or false, got 0$/]
    ]
    for (const [options, message] of ofWrongType) {
      assert.throws(() => new SharedMemory(options as SharedMemoryOptions), { name: 'TypeError', message })
    }
  })

  test('SharedMemory must exist to be attached to, and must not exist to be created', () => {
    const name = newName()
    assert.throws(
      () => new SharedMemory({ name }),
      failsWith('ENOENT', /cannot attach to shared memory named ".*": it does not exist; it was never created, or/)
    )
    using shm = new SharedMemory({ name, create: true, size: 1 })
    shm.buf[0] = 3
    const descriptors = descriptorCount()
    for (let i = 0; i < 5; i++) {
      assert.throws(
        () => new SharedMemory({ name, create: true, size: 100 }),
        failsWith('EEXIST', /cannot create shared memory named ".*": it exists already; attach to it/)
      )
    }
    assert.deepEqual([descriptorCount(), shm.buf[0], statSync(pathOf(name)).size], [descriptors, 3, 1])
    shm.unlink()
  })

  test('a file that is not shared memory, or is empty, is refused', () => {
    const name = newName()
    mkdirSync(pathOf(name))
    assert.throws(() => new SharedMemory({ name }), MultiprocessError)
    rmdirSync(pathOf(name))
    writeFileSync(pathOf(name), '')
    assert.throws(() => new SharedMemory({ name }), failsWith('ERR_VALUE', /it is empty; its creator has yet/))
    spawnSync('rm', [pathOf(name)])
    spawnSync('ln', ['-s', '/etc/passwd', pathOf(name)])
    assert.throws(() => new SharedMemory({ name }), failsWith('ELOOP', /symbolic link/))
    spawnSync('rm', [pathOf(name)])
  })

  test('SharedMemory larger than /dev/shm is refused when it is created', {
    skip: !canMount && 'needs root'
  }, async () => {
    const { stdout, stderr } = await runProgram(
      `
      import { SharedMemory } from '%LIBRARY%'
      import { readdirSync } from 'node:fs'
      const attempt = size => {
        try {
          new SharedMemory({ create: true, size }).buf.fill(1)
          return 'created'
        } catch ({ code, message }) {
          return code + ' ' + message
        }
      }
      const answers = [attempt(2 ** 20 + 1), attempt(600_000), attempt(600_000), attempt(400_000)]
      console.log(JSON.stringify([...answers, readdirSync('/dev/shm').length]))`,
      { through: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"', 'sh'] }
    )
    assert.equal(stderr, '')
    const answers = JSON.parse(stdout)
    assert.match(
      answers[0],
      /^ENOSPC cannot create shared memory of 1048577 bytes: no room in \/dev\/shm \(1048576 bytes are left\); unlink/
    )
    assert.equal(answers[1], 'created')
    assert.match(answers[2], /^ENOSPC .* \(446464 bytes are left\);/)
    assert.deepEqual(answers.slice(3), ['created', 2])
  })

  test("SharedMemory larger than the machine's memory is refused before the kernel ends processes", async () => {
    const { stdout } = await runProgram(`
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const { readFileSync } = fs
      fs.readFileSync = (file, ...options) =>
        file === '/proc/meminfo' ? 'MemAvailable: 1000 kB\\nSwapFree: 24 kB\\n' : readFileSync(file, ...options)
      syncBuiltinESMExports()
      const { SharedMemory } = await import('%LIBRARY%')
      new SharedMemory({ create: true, size: 2 ** 20 })
      try {
        new SharedMemory({ create: true, size: 2 ** 20 + 1 })
      } catch ({ code, message }) {
        console.log(code, message)
      }`)
    assert.equal(
      stdout,
      'ENOMEM cannot create shared memory of 1048577 bytes: only 1048576 bytes of memory are available; use a smaller size\n'
    )
  })

  test('200 SharedMemory objects need no file descriptors, and all exist', () => {
    new SharedMemory({ create: true, size: 1 }).unlink()
    const descriptors = descriptorCount()
    const all = Array.from({ length: 200 }, (_, i) => {
      const shm = new SharedMemory({ create: true, size: 4096 + i })
      shm.buf.fill(i)
      return shm
    })
    assert.equal(descriptorCount(), descriptors)
    for (const [i, shm] of all.entries()) {
      using other = new SharedMemory({ name: shm.name })
      assert.deepEqual([other.size, other.buf[0], other.buf.at(-1)], [4096 + i, i, i])
    }
    for (const shm of all) {
      shm.close()
      shm.unlink()
    }
  })

  test('SharedMemory on another platform reports so when it is used', async () => {
    const { stdout, stderr } = await runProgram(`
      Object.defineProperty(process, 'platform', { value: 'win32' })
      const { SharedMemory, ShareableList } = await import('%LIBRARY%')
      for (const use of [() => new SharedMemory({ name: 'a' }), () => new SharedMemory({ create: true, size: 1 }),
        () => new ShareableList([1])]) {
        try {
          use()
        } catch ({ code, message }) {
          console.log(code, message)
        }
      }`)
    const line =
      /^ERR_UNSUPPORTED_PLATFORM SharedMemory and ShareableList need Linux on x64 or arm64, but this is win32-/
    assert.equal(stdout.split('\n').filter(text => line.test(text)).length, 3, stderr)
  })
})
