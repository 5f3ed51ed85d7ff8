/** Programs whose clocks and timers are faked, frozen or made unchangeable after the package is loaded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const library = (name: string) => new URL(`../../src/${name}.js`, import.meta.url).href

/** As test frameworks fake them: time stands still, and no timer ever fires. */
const FAKE = `
  const nothing = () => ({ ref() { return this }, unref() { return this }, hasRef: () => true })
  performance.now = () => 0
  Object.getPrototypeOf(performance).now = () => 0
  Date.now = () => 0
  process.hrtime = Object.assign(() => [0, 0], { bigint: () => 0n })
  process.nextTick = nothing
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask']) {
    globalThis[name] = nothing
  }`

const WORK = `
  const queue = new Queue()
  const empty = await queue.get({ timeout: 50 }).catch(error => error.name)
  const lock = new Lock()
  await lock.acquire()
  const isLate = await new Promise(resolve => resolve(new Semaphore(0).acquire({ timeout: 50 })))
  const pool = new Pool(2)
  const squares = await pool.map(n => n * n, [1, 2, 3])
  const slow = await pool.apply(() => new Promise(resolve => setTimeout(resolve, 60_000)), [], { timeout: 100, killAfter: 10 }).catch(error => error.name)
  const blocked = pool.applySync(n => n + 1, [1])
  const manager = await Manager()
  const list = await manager.list([1, 2])
  const length = await list.length
  await manager.shutdown()
  await pool.terminate()
  console.log(JSON.stringify([empty, isLate, squares, slow, blocked, typeof length]))`
const DONE = '["Empty",false,[1,4,9],"TimeoutError",2,'

/** As node:test fakes them. */
const MOCKED = `
  const { mock } = await import('node:test')
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: 0 })`

const FROZEN = `
  const basename = { module: 'node:path', export: 'basename' }
  const empty = await new Queue().get({ timeout: 50 }).catch(error => error.name)
  const isLate = await new Semaphore(0).acquire({ timeout: 50 })
  await new Lock().acquire()
  const pool = new Pool(2)
  const names = await pool.map(basename, ['/x/a', '/x/b'])
  const blocked = pool.applySync(basename, ['/x/c'])
  const factor = 10
  class Point { constructor(x) { this.x = x } scaled() { return this.x * factor } }
  const closures = await pool.map(n => n * factor, [1, 2])
  closures.push(await pool.apply(async point => Math.max(1, point.scaled()), [new Point(3)]))
  closures.push(await pool.apply(() => { throw new RangeError('thrown') }).catch(error => error.name))
  const manager = await Manager()
  const length = (await (await manager.list([1, 2])).copy()).length
  await manager.shutdown()
  await pool.terminate()
  console.log(JSON.stringify([empty, isLate, names, blocked, closures, length]))`

for (const face of ['index', 'threads']) {
  const imported = `const { Lock, Manager, Pool, Queue, Semaphore } = await import('${library(face)}')`

  test(`${face}: waits end, and results arrive, while clocks and timers are faked`, { timeout }, async () => {
    const { stdout, stderr } = await runProgram(`${imported}\n${FAKE}\n${WORK}`)
    assert.ok(stdout.startsWith(DONE), stdout + stderr)
  })

  test(`${face}: waits end, and results arrive, while node:test mocks the timers`, { timeout }, async () => {
    const { stdout, stderr } = await runProgram(`${imported}\n${MOCKED}\n${WORK}\nconsole.log(Date.now())`)
    assert.ok(stdout.startsWith(DONE), stdout + stderr)
    assert.match(stdout, /\n0\n$/)
  })

  test(`${face}: primitives, pools and managers work with --frozen-intrinsics`, { timeout }, async () => {
    const { stdout, stderr } = await runProgram(`${imported}\n${FROZEN}`, {
      execArgv: ['--frozen-intrinsics', '--no-warnings']
    })
    assert.equal(stdout, '["Empty",false,["a","b"],"c",[10,20,30,"RangeError"],2]\n', stderr)
  })
}
