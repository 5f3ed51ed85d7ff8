/** A machine whose link is cut: a network namespace of its own, joined to this one by a pair of virtual interfaces. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClusterPool } from '../src/index.ts'
import { closeAll } from './fixtures/opened.ts'
import { KEY, startWorker } from './fixtures/programs.ts'
import { missing, RedisServer } from './fixtures/redis.ts'
import * as tasks from './fixtures/tasks.ts'
import { range, Scratch, until } from './fixtures/tools.ts'

const timeout = 120_000
const CUT_MS = 10_000
const HERE = '10.213.77.1'
const THERE = '10.213.77.2'

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

class Machine implements Disposable {
  readonly #name = `mpc${process.pid}`
  readonly #link = `mpc${process.pid}`.slice(0, 14)

  constructor() {
    ip('netns', 'add', this.#name)
    ip('link', 'add', this.#link, 'type', 'veth', 'peer', 'name', 'there', 'netns', this.#name)
    ip('addr', 'add', `${HERE}/30`, 'dev', this.#link)
    ip('-n', this.#name, 'addr', 'add', `${THERE}/30`, 'dev', 'there')
    ip('-n', this.#name, 'link', 'set', 'there', 'up')
    this.cut(false)
  }

  get prefix(): string[] {
    return ['ip', 'netns', 'exec', this.#name]
  }

  cut(isCut: boolean): void {
    ip('link', 'set', this.#link, isCut ? 'down' : 'up')
  }

  [Symbol.dispose](): void {
    ip('netns', 'del', this.#name)
  }
}

function reasonToSkip(): string | false {
  if (missing !== false) return missing
  try {
    new Machine()[Symbol.dispose]()
    return false
  } catch (error) {
    return `skipped: this process may not make network namespaces (${(error as Error).message.trim()})`
  }
}

describe('a machine whose link is cut', { skip: reasonToSkip(), timeout: 3 * timeout }, () => {
  after(closeAll)
  for (const isAlone of [true, false]) {
    const others = isAlone ? 'the only one' : 'one of two'
    test(`${others}, for ten seconds: all results are right, each once`, { timeout }, async () => {
      using scratch = new Scratch()
      using machine = new Machine()
      await using server = await RedisServer.start({ bind: HERE })
      const lease = ['--processes', '1', '--lease', '2000']
      await using _far = await startWorker(server.url, 'link', lease, { prefix: machine.prefix })
      await using _near = isAlone ? undefined : await startWorker(server.url, 'link', lease)
      await using pool = new ClusterPool({ url: server.url, name: 'link', key: KEY })
      const file = scratch.file('notes')
      const seen: number[] = []
      const items = range(60).map(n => ({ file, n, ms: 50 }))
      const results = (async () => {
        for await (const n of pool.imapUnordered(tasks.note, items)) seen.push(n)
      })()
      await until(() => scratch.lines('notes').length >= 15)
      machine.cut(true)
      await sleep(CUT_MS)
      machine.cut(false)
      await results
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        range(60)
      )
    })
  }
})
