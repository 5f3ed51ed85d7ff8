/** `multiprocessing.Process`. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitable } from '../../src/ground/waitable.ts'
import { conform } from '../fixtures/conformance/grounds.ts'
import * as tasks from '../fixtures/conformance/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const TASKS = new URL('../fixtures/conformance/tasks.js', import.meta.url)

conform('Process', ({ face, behaviour, start }) => {
  const { activeChildren, currentProcess, Event, Process, Queue, ValueError } = face

  const isValueError = (message: string) => (error: unknown) => {
    assert.ok(error instanceof ValueError, String(error))
    assert.equal(error.message, message)
    return true
  }

  behaviour('run() calls target with args', async () => {
    const queue = new Queue<unknown>()
    const child = start(tasks.call, queue, 'putSync', [1, 'two'])
    await child.join()
    assert.deepEqual(queue.getNowait(), [1, 'two'])
    assert.equal(child.exitcode, 0)
  })

  behaviour('a process without a target calls nothing', async () => {
    const child = new Process()
    child.start()
    assert.equal(await child.join(), true)
    assert.equal(child.exitcode, 0)
  })

  behaviour('a process with an asynchronous target ends once the target is done', async () => {
    const queue = new Queue<string>()
    const child = start(async queue => {
      await new Promise(resolve => setTimeout(resolve, 5))
      await queue.put('later')
    }, queue)
    await child.join()
    assert.equal(queue.getNowait(), 'later')
  })

  behaviour('a process runs as long as something keeps its event loop alive', async () => {
    const queue = new Queue<string>()
    const child = start(queue => void setTimeout(() => queue.putNowait('of a timer'), 5), queue)
    await child.join()
    assert.equal(queue.getNowait(), 'of a timer')
  })

  behaviour('a target can be named by its module and its export', async () => {
    const child = new Process({ target: { module: TASKS, export: 'exit' }, args: [5] })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 5)
  })

  behaviour('a target can be a local function with the variables that it captures', async () => {
    const queue = new Queue<number>()
    const captured = 41
    const child = start(() => queue.putNowait(captured + 1))
    await child.join()
    assert.equal(queue.getNowait(), 42)
  })

  behaviour('a process gets the arguments as they were at start()', async () => {
    const queue = new Queue<unknown>()
    const list = [1]
    const child = start(tasks.call, queue, 'putSync', list)
    list.push(2)
    await child.join()
    assert.deepEqual(queue.getNowait(), [1])
  })

  behaviour('run() runs the target in this process', () => {
    let ran = 0
    new Process({ target: () => ran++ }).run()
    assert.equal(ran, 1)
  })

  behaviour('start() can be called only once on a process object', async () => {
    const child = new Process({ name: 'X', target: tasks.identity, args: [1] as never })
    child.start()
    assert.throws(() => child.start(), isValueError('cannot start X twice: make a new Process'))
    await child.join()
    assert.throws(() => child.start(), isValueError('cannot start X twice: make a new Process'))
    assert.equal(child.exitcode, 0)
  })

  behaviour(
    'start() raises for arguments that cannot be sent, tells where they are, and can be tried again',
    async () => {
      const args: unknown[] = [{ deep: Symbol('only here') }]
      const child = new Process({ target: tasks.identity, args: args as never })
      assert.throws(() => child.start(), { name: 'SerializationError', message: /args\[0\]\.deep/ })
      assert.equal(child.pid, null)
      args[0] = 1
      child.start()
      await child.join()
      assert.equal(child.exitcode, 0)
    }
  )

  behaviour('join() blocks until the process ends, and can be called many times', async () => {
    const child = start(sleep, 20)
    assert.deepEqual(await Promise.all([child.join(), child.join(), child.join({ timeout: limit(30_000) })]), [
      true,
      true,
      true
    ])
    assert.equal(await child.join(), true)
    assert.equal(await child.join({ timeout: 0 }), true)
    assert.equal(child.joinSync(), true)
  })

  behaviour('join() blocks no longer than its timeout, and the process goes on', async () => {
    const child = start(tasks.stay)
    for (const timeout of [20, 0, -5, 0.1]) assert.equal(await child.join({ timeout }), false)
    assert.equal(child.isAlive(), true)
    assert.equal(child.exitcode, null)
    child.kill()
    assert.equal(await child.join({ timeout: limit(30_000) }), true)
  })

  behaviour('join() waits with a timeout that is longer than a timer can be', async () => {
    const child = start(tasks.stay)
    const joined = child.join({ timeout: 2 ** 31 })
    const infinite = child.join({ timeout: Number.POSITIVE_INFINITY })
    assert.equal(await Promise.race([joined, infinite, sleep(20, 'waiting')]), 'waiting')
    child.kill()
    assert.deepEqual(await Promise.all([joined, infinite]), [true, true])
  })

  behaviour('joinSync() blocks this thread, and its event loop stands still', async () => {
    const child = start(sleep, 50)
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    assert.equal(child.joinSync({ timeout: 1 }), false)
    assert.equal(child.joinSync({ timeout: 0 }), false)
    assert.equal(child.joinSync(), true)
    assert.equal(ticks, 0)
    clearInterval(timer)
    assert.equal(child.exitcode, 0)
    assert.equal(await child.join(), true)
  })

  behaviour(
    'joinSync() of a killed process returns, whether it had started or not, while this thread is blocked',
    () => {
      const isThere = new Event()
      const there = start(tasks.stay, isThere)
      isThere.waitSync()
      const starting = start(tasks.stay)
      for (const child of [there, starting]) {
        child.kill()
        assert.equal(child.joinSync(), true)
        assert.equal(child.exitcode, -9)
      }
    }
  )

  behaviour('join() rejects with the reason of its signal', async () => {
    const child = start(tasks.stay)
    const reason = new Error('enough')
    const controller = new AbortController()
    const joined = child.join({ signal: controller.signal, timeout: limit(30_000) })
    controller.abort(reason)
    await assert.rejects(joined, reason)
    await assert.rejects(child.join({ signal: controller.signal }), reason)
    child.kill()
    const unused = new AbortController()
    assert.equal(await child.join({ signal: unused.signal }), true)
    unused.abort()
  })

  behaviour('a process cannot join itself', async () => {
    await assert.rejects(
      currentProcess().join(),
      isValueError('cannot join MainProcess: it is not a child of this process')
    )
    assert.throws(() => currentProcess().joinSync(), ValueError)
    assert.throws(() => currentProcess().start(), ValueError)
  })

  behaviour('join() raises before the process has been started', async () => {
    const child = new Process({ name: 'X' })
    await assert.rejects(child.join(), isValueError('cannot join X: it has not started'))
    assert.throws(() => child.joinSync(), isValueError('cannot join X: it has not started'))
  })

  behaviour('signals cannot be sent to a process that has not been started', () => {
    const child = new Process({ name: 'X' })
    assert.throws(() => child.terminate(), isValueError('cannot send SIGTERM to X: it has not started'))
    assert.throws(() => child.kill(), isValueError('cannot send SIGKILL to X: it has not started'))
    assert.throws(() => child.interrupt(), isValueError('cannot send SIGINT to X: it has not started'))
    assert.throws(() => child.sentinel, isValueError('cannot wait for X: it has not started'))
  })

  behaviour('a process is called Process-N by default, and any text can be its name', () => {
    const [first, second] = [new Process(), new Process()]
    assert.match(first.name, /^Process-\d+$/)
    assert.notEqual(first.name, second.name)
    assert.equal(new Process({ name: 'mine' }).name, 'mine')
    first.name = 'other'
    assert.equal(first.name, 'other')
  })

  behaviour('the child sees the name that it had at start()', async () => {
    const queue = new Queue<string>()
    const child = new Process({ target: tasks.tellName, args: [queue] as never, name: 'first' })
    child.start()
    child.name = 'second'
    await child.join()
    assert.equal(queue.getNowait(), 'first')
  })

  behaviour('a child of a child is called Process-N:M', async () => {
    const queue = new Queue<string>()
    const child = start(tasks.runInChild, Process, tasks.tellName as never, queue)
    await child.join()
    assert.equal(queue.getNowait(), `${child.name}:1`)
  })

  behaviour('isAlive() is true from the return of start() until the child ends', async () => {
    const child = new Process({ target: sleep, args: [5] as never })
    assert.equal(child.isAlive(), false)
    child.start()
    assert.equal(child.isAlive(), true)
    await child.join()
    assert.equal(child.isAlive(), false)
  })

  behaviour('daemon is a boolean that must be set before start() is called', async () => {
    const child = new Process({ name: 'X', target: tasks.stay, daemon: true })
    assert.equal(child.daemon, true)
    child.daemon = false
    assert.equal(child.daemon, false)
    child.start()
    assert.throws(() => (child.daemon = true), isValueError('cannot set daemon on X: it has already been started'))
    child.kill()
    await child.join()
  })

  behaviour('a process inherits daemon from its creating process', () => {
    assert.equal(new Process().daemon, currentProcess().daemon)
  })

  behaviour('a daemon cannot create child processes', async () => {
    const queue = new Queue<string>()
    const child = new Process({ target: tasks.tryChild, args: [queue, Process] as never, daemon: true })
    child.start()
    await child.join()
    assert.equal(queue.getNowait(), 'ValueError')
  })

  behaviour("pid is null before the start, and then the child's own pid", async () => {
    const queue = new Queue<number>()
    const child = new Process({ target: tasks.tellPid, args: [queue] as never })
    assert.equal(child.pid, null)
    child.start()
    assert.equal(typeof child.pid, 'number')
    const pid = child.pid
    await child.join()
    assert.equal(queue.getNowait(), pid)
    assert.equal(child.pid, pid)
  })

  behaviour('exitcode is null until the process has ended', async () => {
    const child = new Process({ target: tasks.stay })
    assert.equal(child.exitcode, null)
    child.start()
    assert.equal(child.exitcode, null)
    child.kill()
    await child.join()
    assert.notEqual(child.exitcode, null)
  })

  behaviour('exitcode is 0 if run() returned', async () => {
    const child = start(tasks.identity, 3)
    await child.join()
    assert.equal(child.exitcode, 0)
  })

  behaviour('exitcode is N if the process called exit(N)', async () => {
    const children = [0, 1, 7, 255].map(code => start(tasks.exit, code))
    for (const child of children) await child.join()
    assert.deepEqual(
      children.map(({ exitcode }) => exitcode),
      [0, 1, 7, 255]
    )
  })

  behaviour('exitcode is 1 if run() threw an error that was not caught', async () => {
    const children = [start(tasks.failQuietly), start(tasks.failLater)]
    for (const child of children) await child.join()
    assert.deepEqual(
      children.map(({ exitcode }) => exitcode),
      [1, 1]
    )
  })

  behaviour('exitcode is -N if signal N ended the process', async () => {
    for (const [method, exitcode] of [
      ['interrupt', -2],
      ['kill', -9],
      ['terminate', -15]
    ] as const) {
      const child = start(tasks.stay)
      child[method]()
      await child.join()
      assert.equal(child.exitcode, exitcode)
    }
  })

  behaviour('terminate() ends a process that is in a busy loop', async () => {
    const isThere = new Event()
    const child = start(tasks.spin, isThere)
    await isThere.wait()
    child.terminate()
    assert.equal(await child.join(), true)
    assert.equal(child.exitcode, -15)
  })

  behaviour('kill() ends a process that is blocked', async () => {
    const child = start(tasks.waitSync, new Event())
    child.kill()
    assert.equal(await child.join(), true)
    assert.equal(child.exitcode, -9)
  })

  behaviour('terminate() and kill() of a process that has ended do nothing', async () => {
    const child = start(tasks.exit, 4)
    await child.join()
    child.terminate()
    child.kill()
    assert.equal(child.exitcode, 4)
  })

  behaviour('authkey is a byte string that all processes of the family have', async () => {
    const { authkey } = new Process()
    assert.ok(authkey instanceof Uint8Array)
    assert.deepEqual(authkey, currentProcess().authkey)
    const child = new Process()
    child.authkey = Uint8Array.of(1, 2)
    assert.deepEqual(child.authkey, Uint8Array.of(1, 2))
    assert.throws(() => (child.authkey = 'key' as never), TypeError)
  })

  behaviour('sentinel becomes ready when the process ends', async () => {
    const child = start(tasks.identity, 1)
    assert.ok(waitable in child.sentinel)
    await child.join()
    assert.equal((await face.wait([child.sentinel], { timeout: 0 })).length, 1)
  })

  behaviour('close() raises ValueError if the process still runs', async () => {
    const child = new Process({ name: 'X', target: tasks.stay })
    child.start()
    assert.throws(() => child.close(), isValueError('cannot close X while it runs: join or terminate it first'))
    child.kill()
    await child.join()
    child.close()
  })

  behaviour('most methods and attributes raise ValueError after close()', async () => {
    const child = new Process({ name: 'X', target: tasks.identity, args: [1] as never })
    child.start()
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
  })

  behaviour('a process that was never started can be closed, and cannot be started then', () => {
    const child = new Process({ name: 'Y' })
    child.close()
    assert.throws(() => child.start(), isValueError('Y is closed'))
  })

  behaviour('leaving a block with await using ends the process', async () => {
    const child = new Process({ target: tasks.stay })
    {
      await using scoped = child
      scoped.start()
      assert.equal(scoped.isAlive(), true)
    }
    assert.throws(() => child.exitcode, ValueError)
    await using unstarted = new Process({ target: tasks.stay })
    assert.equal(unstarted.pid, null)
  })

  behaviour('the constructor refuses options, names and times of the wrong type', async () => {
    const make = (options: unknown) => () => new Process(options as { name: string })
    for (const [options, message] of [
      [{ target: 5 }, 'target must be a function or { module, export }, got 5'],
      [{ target: null }, 'target must be a function or { module, export }, got null'],
      [{ target: {} }, 'target must be a function or { module, export }, got an object'],
      [{ args: 'text' }, "args must be an array, got 'text' (a string)"],
      [{ args: { 0: 1 } }, 'args must be an array, got an object'],
      [{ name: 5 }, 'name must be a string, got 5'],
      [{ daemon: 'yes' }, "daemon must be true or false, got 'yes' (a string)"]
    ] as const) {
      assert.throws(make(options), { name: 'TypeError', message })
    }
    const child = start(tasks.stay)
    assert.throws(() => (child.name = 5 as never), TypeError)
    await assert.rejects(child.join({ timeout: '5' as never }), {
      name: 'TypeError',
      message: /^timeout must be a number of milliseconds, got '.*' \(a string\)$/
    })
    await assert.rejects(child.join({ timeout: Number.NaN }), RangeError)
    assert.throws(() => child.joinSync({ timeout: '5' as never }), TypeError)
    await assert.rejects(child.join({ signal: {} as never }), TypeError)
  })

  behaviour('activeChildren() returns all live children of this process', async () => {
    const others = activeChildren()
    const children = [start(tasks.stay), start(tasks.stay)]
    const ended = start(tasks.identity, 1)
    await ended.join()
    assert.deepEqual(activeChildren(), [...others, ...children])
    children[0].kill()
    children[0].joinSync()
    assert.deepEqual(activeChildren(), [...others, children[1]])
    children[1].kill()
    await children[1].join()
    assert.deepEqual(activeChildren(), others)
  })

  behaviour('many processes run at once, and each has its own pid and exit code', async () => {
    const children = Array.from({ length: 10 }, (_, index) => start(tasks.exit, index))
    await Promise.all(children.map(child => child.join()))
    assert.deepEqual(
      children.map(child => child.exitcode),
      children.map((_, index) => index)
    )
    assert.equal(new Set(children.map(child => child.pid)).size, 10)
  })
})

conform('functions of the module', ({ face, behaviour, pool }) => {
  const { cpuCount, currentProcess, parentProcess, Process } = face

  behaviour('currentProcess() returns the Process object of this process', () => {
    const current = currentProcess()
    assert.equal(current, currentProcess())
    assert.equal(current.name, 'MainProcess')
    assert.equal(current.isAlive(), true)
    assert.equal(current.daemon, false)
    assert.equal(current.pid, process.pid)
  })

  behaviour('currentProcess() of a child returns that child', async () => {
    const { name, pid, daemon } = await pool().apply(tasks.who)
    assert.match(name, /^PoolWorker-\d+$/)
    assert.ok(pool().stats.workers.some(worker => worker.pid === pid))
    assert.equal(daemon, true)
  })

  behaviour('parentProcess() returns the parent of a child, and null in the main process', async () => {
    assert.equal(parentProcess(), null)
    const { parent } = await pool().apply(tasks.who)
    assert.deepEqual(parent, { name: 'MainProcess', pid: process.pid, isAlive: true })
  })

  behaviour('isMainProcess is true in the main process, and false in a child', async () => {
    assert.equal(face.isMainProcess, true)
    assert.equal((await pool().apply(tasks.who)).isMainProcess, false)
  })

  behaviour('cpuCount() returns the number of usable processors, which is the same in a child', async () => {
    assert.ok(Number.isInteger(cpuCount()) && cpuCount() >= 1)
    assert.equal((await pool().apply(tasks.who)).cpuCount, cpuCount())
  })

  behaviour('currentTask() returns null where no task of a pool runs', () => {
    assert.equal(face.currentTask(), null)
  })

  behaviour('a Process names the class that made it', () => {
    assert.equal(new Process().constructor.name, 'Process')
  })
})

conform('errors', ({ face, behaviour, pool }) => {
  const { MultiprocessError, ProcessError } = face
  const made = {
    ProcessError: [new face.ProcessError('x'), 'ERR_PROCESS'],
    TimeoutError: [new face.TimeoutError(), 'ERR_TIMEOUT'],
    BufferTooShort: [new face.BufferTooShort(Uint8Array.of(1)), 'ERR_BUFFER_TOO_SHORT'],
    AuthenticationError: [new face.AuthenticationError(), 'ERR_AUTHENTICATION'],
    EOFError: [new face.EOFError(), 'ERR_EOF'],
    Empty: [new face.Empty(), 'ERR_EMPTY'],
    Full: [new face.Full(), 'ERR_FULL'],
    ValueError: [new face.ValueError('x'), 'ERR_VALUE'],
    BrokenBarrierError: [new face.BrokenBarrierError(), 'ERR_BROKEN_BARRIER'],
    OwnerDiedError: [new face.OwnerDiedError(), 'ERR_OWNER_DIED'],
    WorkerDiedError: [new face.WorkerDiedError('x', { exitcode: -9, pid: 5 }), 'ERR_WORKER_DIED'],
    PoolTerminatedError: [new face.PoolTerminatedError(), 'ERR_POOL_TERMINATED'],
    SerializationError: [new face.SerializationError('x', 'args[0]'), 'ERR_SERIALIZATION']
  } as const

  for (const [name, [error, code]] of Object.entries(made)) {
    behaviour(`${name} is a MultiprocessError with the code ${code}, also after it has crossed`, async () => {
      for (const one of [error, await pool().apply(tasks.identity<unknown>, [error])] as Error[]) {
        assert.ok(one instanceof Error && one instanceof MultiprocessError)
        assert.ok(one instanceof (face as unknown as Record<string, new () => Error>)[name])
        assert.deepEqual([one.name, one.code, one.message], [name, code, error.message])
      }
    })
  }

  behaviour('ProcessError is the base class of TimeoutError, BufferTooShort and AuthenticationError', () => {
    for (const name of ['TimeoutError', 'BufferTooShort', 'AuthenticationError'] as const) {
      assert.ok(made[name][0] instanceof ProcessError)
    }
    assert.equal((made.Empty[0] as Error) instanceof ProcessError, false)
  })

  behaviour('the fields of errors cross with them', async () => {
    const died = await pool().apply(tasks.identity<(typeof made.WorkerDiedError)[0]>, [made.WorkerDiedError[0]])
    assert.deepEqual([died.exitcode, died.pid], [-9, 5])
    const refused = await pool().apply(tasks.identity<(typeof made.SerializationError)[0]>, [
      made.SerializationError[0]
    ])
    assert.equal(refused.path, 'args[0]')
    const short = await pool().apply(tasks.identity<(typeof made.BufferTooShort)[0]>, [made.BufferTooShort[0]])
    assert.deepEqual([...short.bytes], [1])
  })
})
