/** What Python gives by position is an object here. Anything else in its place is refused: overlooked, it would be a wait without end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from '../src/encoding.ts'
import {
  Barrier,
  BaseManager,
  Client,
  Condition,
  Event,
  Listener,
  Lock,
  Manager,
  Pipe,
  Pool,
  Process,
  Queue,
  RLock,
  Array as SharedArray,
  SharedMemory,
  Value,
  wait,
  waitSync
} from '../src/index.ts'
import * as tasks from './fixtures/pool/tasks.ts'
import { limit } from './fixtures/slowness.ts'

const timeout = limit(30_000)

type Call = (options: never) => unknown

/** Each call refuses what is no object, whether it throws or rejects, and names it. */
async function refuse(calls: Readonly<Record<string, Call>>): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    for (const [options, found] of [
      [1, '1'],
      [false, 'false'],
      ['text', "'text' (a string)"],
      [() => {}, 'a function'],
      [null, 'null']
    ]) {
      const answer = async () => await call(options as never)
      await assert.rejects(answer, (error: Error) => {
        assert.equal(error.name, 'TypeError', name)
        assert.match(error.message, /^options must be an object such as \{/, name)
        assert.ok(error.message.endsWith(`, got ${found}`), `${name}(${found}): ${error.message}`)
        return true
      })
    }
  }
}

test('waits', { timeout }, async () => {
  const queue = new Queue(1)
  const full = new Queue(1)
  full.putNowait(1)
  const [lock, rlock, condition, event, barrier] = [
    new Lock(),
    new RLock(),
    new Condition(),
    new Event(),
    new Barrier(2)
  ]
  await lock.acquire()
  await condition.acquire()
  const [end] = Pipe()
  await refuse({
    'queue.get': options => queue.get(options),
    'queue.getSync': options => queue.getSync(options),
    'queue.put': options => full.put(1, options),
    'queue.putSync': options => full.putSync(1, options),
    'lock.acquire': options => lock.acquire(options),
    'lock.acquireSync': options => lock.acquireSync(options),
    'lock.runExclusive': options => lock.runExclusive(() => 1, options),
    'rlock.acquireSync': options => rlock.acquireSync(options),
    'condition.wait': options => condition.wait(options),
    'condition.waitSync': options => condition.waitSync(options),
    'condition.waitFor': options => condition.waitFor(() => false, options),
    'event.wait': options => event.wait(options),
    'event.waitSync': options => event.waitSync(options),
    'barrier.wait': options => barrier.wait(options),
    'connection.recv': options => end.recv(options),
    'connection.poll': options => end.poll(options),
    'connection.pollSync': options => end.pollSync(options),
    wait: options => wait([end], options),
    waitSync: options => waitSync([end], options)
  })
  assert.equal(rlock.acquireSync({ timeout: 0 }), true)
  assert.equal(await end.poll(), false)
  assert.equal(end.pollSync({}), false)
  await assert.rejects(queue.get({ signal: {} as AbortSignal }), /signal must be an AbortSignal, got an object/)
})

test('what things are made with', { timeout }, async () => {
  await refuse({
    Barrier: options => new Barrier(2, options),
    BaseManager: options => new BaseManager(options),
    Client: options => Client('/nobody/listens/here', options),
    Listener: options => new Listener(undefined, options),
    Pipe: options => Pipe(options),
    Pool: options => new Pool(1, options),
    Process: options => new Process(options),
    SharedMemory: options => new SharedMemory(options),
    Array: options => SharedArray('i', 1, options),
    Value: options => Value('i', 1, options)
  })
  assert.throws(() => Value('i', 1, new Lock() as never), { name: 'TypeError', message: /got the lock itself/ })
})

test('pools, processes and proxies', { timeout }, async () => {
  await using pool = new Pool(1)
  const result = pool.applyAsync(tasks.square, [3])
  const child = new Process({ target: tasks.square, args: [3] })
  child.start()
  await using manager = await Manager()
  const [queue, lock, barrier] = [await manager.Queue(), await manager.Lock(), await manager.Barrier(2)]
  await lock.acquire()
  await refuse({
    apply: options => pool.apply(tasks.square, [3], options),
    applyAsync: options => pool.applyAsync(tasks.square, [3], options),
    applySync: options => pool.applySync(tasks.square, [3], options),
    'result.get': options => result.get(options),
    'result.wait': options => result.wait(options),
    'process.join': options => child.join(options),
    'process.joinSync': options => child.joinSync(options),
    'manager.join': options => manager.join(options),
    'proxy of a queue': options => queue.get(options),
    'proxy of a queue, blocking': options => queue.getSync(options),
    'proxy of a lock': options => lock.acquire(options),
    'proxy of a barrier': options => barrier.wait(options)
  })
  assert.equal(await result, 9)
  assert.equal(await child.join(), true)
  for (const processes of [1024, 1_000_000_000]) {
    assert.throws(() => new Pool(processes), { name: 'ValueError', message: /from 1 to 1023/ })
  }
  assert.throws(() => new Pool({ reserve: -1 }), { name: 'ValueError', message: /reserve must be .*-1/ })
})

/** Each call refuses an option that it does not know, and says which one may be meant. */
const UNKNOWN: readonly [name: string, call: () => unknown, message: string][] = [
  [
    'a lock',
    () => new Lock().acquire({ timout: 50 } as never),
    "unknown option 'timout': did you mean 'timeout'? The options here are signal, timeout"
  ],
  [
    'a blocking wait',
    () => new Queue().getSync({ block: false } as never),
    "unknown option 'block': give { timeout: 0 } to return at once. The options here are signal, timeout"
  ],
  [
    'a value',
    () => Value('i', 1, { loc: false } as never),
    "unknown option 'loc': did you mean 'lock'? The options here are lock"
  ],
  [
    'a process',
    () => new Process({ kwargs: {} } as never),
    "unknown option 'kwargs': JavaScript has no keyword arguments: put an object into args. " +
      'The options here are args, daemon, name, reserve, startTimeout, target'
  ],
  [
    "a process, in Python's way",
    () => new Process({ group: null } as never),
    "unknown option 'group': leave it out, as Python does. The options here are args, daemon, name, reserve, startTimeout, target"
  ],
  ['a barrier', () => new Barrier(2, { Action: () => {} } as never), "unknown option 'Action': did you mean 'action'?"],
  ['a pipe', () => Pipe({ duplexx: true } as never), "unknown option 'duplexx': did you mean 'duplex'?"],
  ['a pipe', () => Pipe({ dupelx: true } as never), "unknown option 'dupelx': did you mean 'duplex'?"],
  [
    'shared memory',
    () => new SharedMemory({ create: true, sise: 1 } as never),
    "unknown option 'sise': did you mean 'size'?"
  ],
  [
    'a manager',
    () => new BaseManager({ adress: '/tmp/x' } as never),
    "unknown option 'adress': did you mean 'address'?"
  ],
  [
    'the start of a manager',
    () => new BaseManager().start({ initialiser: () => {} } as never),
    "unknown option 'initialiser': did you mean 'initializer'? The options here are initargs, initializer, startTimeout"
  ],
  [
    'a type of a manager',
    () => class extends BaseManager {}.register('Thing', Map, { expose: ['get'] } as never),
    "unknown option 'expose': did you mean 'exposed'? The options here are createMethod, exposed"
  ],
  [
    'encode',
    () => encode(1, { audiance: 'program' } as never),
    "unknown option 'audiance': did you mean 'audience'? The options here are audience, findModule, nameModule, path"
  ],
  [
    'decode',
    () => decode(encode(1), { findmodule: String } as never),
    "unknown option 'findmodule': did you mean 'findModule'?"
  ],
  [
    'a listener',
    () => new Listener(undefined, { auth_key: 'x' } as never),
    "unknown option 'auth_key': did you mean 'authkey'?"
  ],
  ['a client', () => Client('/tmp/x', { authKey: 'x' } as never), "unknown option 'authKey': did you mean 'authkey'?"],
  [
    'something else',
    () => wait([], { colour: 'red' } as never),
    "unknown option 'colour'. The options here are signal,"
  ]
]

for (const [name, call, message] of UNKNOWN) {
  test(`an unknown option of ${name} is refused, with the option that it may mean`, { timeout }, async () => {
    await assert.rejects(
      async () => await call(),
      (error: Error) => {
        assert.equal(error.name, 'TypeError')
        assert.ok(error.message.startsWith(message), error.message)
        return true
      }
    )
  })
}
