import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { Pool, Process } from '../../../src/index.ts'
import { Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const INDEX = new URL('../../../src/index.js', import.meta.url).href
const factor = 5

class Point {
  x: number
  constructor(x: number) {
    this.x = x
  }
  double(): number {
    return this.x * 2
  }
}

class Lost extends Error {
  where: string
  constructor(message: string, where: string) {
    super(message)
    this.where = where
  }
}

class Weighted extends Process {
  weight = 2
  override run(): void {
    process.exitCode = this.weight * factor
  }
}

async function withPool<R>(processes: number, use: (pool: Pool) => Promise<R>): Promise<R> {
  const pool = new Pool(processes)
  try {
    return await use(pool)
  } finally {
    pool.terminate()
    await pool.join()
  }
}

describe('processes and pools run any function', { timeout: limit(120_000) }, () => {
  test('a process runs a closure', async () => {
    const child = new Process({
      target: (n: number) => {
        process.exitCode = n * factor
      },
      args: [3]
    })
    child.start()
    await child.join()
    assert.equal(child.exitcode, 15)
  })

  test('a subclass of Process from the main program runs its own run()', async () => {
    const child = new Weighted()
    child.weight = 3
    child.start()
    await child.join()
    assert.equal(child.exitcode, 15)
  })

  test('a target that cannot cross is refused at start', () => {
    const stream = process.stdin
    const child = new Process({ target: () => void stream.resume(), name: 'Reader' })
    assert.throws(() => child.start(), {
      code: 'ERR_SERIALIZATION',
      path: 'Reader.target → stream',
      message: /^cannot send `target` \(Reader\.target\): captured variable `stream` \(via `target`\) is a /
    })
  })

  test('a process is prepared before the modules of its target are loaded', async () => {
    await using project = await Project.create({
      'main.mjs': `
        import { Process } from '${INDEX}'
        import { seen } from './library.mjs'
        if (seen.length > 0) {
          const child = new Process({ target: () => console.log(JSON.stringify(seen)), name: 'Named' })
          child.start()
          await child.join()
        }`,
      'library.mjs': `
        import { currentProcess } from '${INDEX}'
        export const seen = [currentProcess().name, process.argv[2] ?? null]`
    })
    assert.deepEqual(await project.json(['main.mjs', 'argument']), ['Named', 'argument'])
  })

  test("a pool's map, imap and apply run closures with what they capture at the call", async () => {
    await withPool(2, async pool => {
      assert.deepEqual(await pool.map(x => x * factor, [1, 2, 3]), [5, 10, 15])
      let n = 0
      const read = (x: number) => x + n
      const pending: Promise<number>[] = []
      for (; n < 5; n++) pending.push(pool.apply(read, [100]))
      assert.deepEqual(await Promise.all(pending), [100, 101, 102, 103, 104])
      const seen: number[] = []
      for await (const value of pool.imap(x => x + n, [1, 2])) seen.push(value)
      assert.deepEqual(seen, [6, 7])
      const maps = [1, 2, 3].map(k => pool.map(x => x * k, [1, 2]))
      assert.deepEqual(await Promise.all(maps), [
        [1, 2],
        [2, 4],
        [3, 6]
      ])
    })
  })

  test('functions, instances and errors cross as arguments and results', async () => {
    await withPool(1, async pool => {
      const point = await pool.apply((x: number) => new Point(x), [4])
      assert.ok(point instanceof Point)
      assert.equal(await pool.apply((p: Point) => p.double(), [point]), 8)
      assert.equal(await pool.apply((f: (x: number) => number) => f(1), [x => x + factor]), 6)
      const made = await pool.apply((a: number) => (b: number) => a + b + factor, [1])
      assert.equal(made(2), 8)
      const lost = await pool
        .apply(() => {
          throw new Lost('gone', 'there')
        })
        .catch(error => error)
      assert.ok(lost instanceof Lost)
      assert.deepEqual([lost.message, lost.where], ['gone', 'there'])
      for (const value of ['text', undefined, { code: 1 }]) {
        const thrown = await pool
          .apply(
            v => {
              throw v
            },
            [value]
          )
          .catch(error => error)
        assert.deepEqual(thrown, value)
      }
    })
  })

  test('an error that contains what cannot cross arrives with its class, its texts and all other fields', async () => {
    await withPool(1, async pool => {
      const error = await pool
        .apply(() => {
          const cause = Object.assign(new RangeError('with a stream'), { stream: new Socket(), level: 1 })
          const errors = [Object.assign(new Lost('first', 'here'), { timer: setTimeout(() => {}, 0) }), 'second']
          const lost = new Lost('gone', 'there')
          throw Object.assign(lost, { cause, errors, tried: [1, { deep: Promise.resolve() }], options: { retries: 2 } })
        })
        .catch(thrown => thrown)
      assert.ok(error instanceof Lost)
      assert.deepEqual([error.message, error.where], ['gone', 'there'])
      assert.match(error.stack ?? '', /^Error: gone\n +at .*process\.test\.js:\d+:\d+/)
      const { cause, errors, tried, options } = error as unknown as Record<string, never>
      assert.deepEqual([tried, options], ['[cannot send tried[1].deep: it is a Promise]', { retries: 2 }])
      assert.ok((cause as Error) instanceof RangeError)
      assert.deepEqual({ ...(cause as object) }, { stream: '[cannot send stream: it is a Socket]', level: 1 })
      assert.ok((errors[0] as Error) instanceof Lost)
      assert.deepEqual({ ...(errors[0] as object) }, { where: 'here', timer: '[cannot send timer: it is a Timeout]' })
      assert.equal(errors[1], 'second')
    })
  })

  test('an error whose class cannot cross arrives as an error of the class that it extends', async () => {
    await withPool(1, async pool => {
      const error = await pool
        .apply(() => {
          class Secret extends RangeError {
            readonly #code = 1
            get code(): number {
              return this.#code
            }
          }
          throw Object.assign(new Secret('hidden'), { level: 2 })
        })
        .catch(thrown => thrown)
      assert.equal(Object.getPrototypeOf(error), RangeError.prototype)
      assert.deepEqual([error.message, { ...error }], ['hidden', { level: 2 }])
    })
  })

  test('of the results of a chunk, only those that cannot cross fail', async () => {
    await withPool(1, async pool => {
      const outcomes: unknown[] = []
      const run = (n: number): unknown => {
        if (n === 1) return new Socket()
        if (n === 2) throw Object.assign(new RangeError('two'), { stream: new Socket() })
        return n
      }
      const results = pool.imap(run, [0, 1, 2, 3], 4)
      for (let i = 0; i < 4; i++) outcomes.push(await results.next().then(({ value }) => value, String))
      assert.deepEqual(outcomes[0], 0)
      assert.match(String(outcomes[1]), /^SerializationError: cannot send the result: it is a Socket; /)
      assert.deepEqual(outcomes.slice(2), ['RangeError: two', 3])
    })
  })

  test('the uncaught error of a process is printed completely, whatever it contains', async () => {
    await using project = await Project.create({
      'main.mjs': `
        import { Process } from '${INDEX}'
        const child = new Process({ target: () => { throw Object.assign(new RangeError('with a stream'), { stream: process.stdout }) } })
        child.start()
        await child.join()
        console.log(child.exitcode)`
    })
    const { stdout, stderr } = await project.node(['main.mjs'])
    assert.equal(stdout, '1\n')
    assert.match(stderr, /RangeError: with a stream\n +at target \(file:.+main\.mjs:3:/)
  })

  test('an initializer can capture variables', async () => {
    const level = 3
    const pool = new Pool(1, {
      initializer: (more: number) => {
        ;(globalThis as unknown as { level: number }).level = level + more
      },
      initargs: [4]
    })
    try {
      assert.equal(await pool.apply(() => (globalThis as unknown as { level: number }).level), 7)
    } finally {
      pool.terminate()
      await pool.join()
    }
  })

  test('a pool in a pool runs a function that is sent on', async () => {
    const values = await withPool(1, pool =>
      pool.apply(async () => {
        const inner = new Pool(1)
        try {
          return await inner.map(x => x * factor, [1, 2])
        } finally {
          inner.terminate()
          await inner.join()
        }
      })
    )
    assert.deepEqual(values, [5, 10])
  })

  test('a pool refuses a function that cannot cross at the call', async () => {
    await withPool(1, async pool => {
      const stream = process.stdin
      await assert.rejects(
        pool.apply(() => stream.fd),
        {
          code: 'ERR_SERIALIZATION',
          message: /^cannot send an anonymous function \(fn\): captured variable `stream` \(via `anonymous`\) is a /
        }
      )
      await assert.rejects(
        pool.map(() => stream.fd, [1]),
        { code: 'ERR_SERIALIZATION' }
      )
      await assert.rejects(
        pool.apply((x: unknown) => typeof x, [stream]),
        { path: 'args[0]' }
      )
      assert.equal(await pool.apply(() => factor), 5)
    })
  })

  test('many maps with their own closures leave no memory in use', async () => {
    await withPool(1, async pool => {
      for (let i = 0; i < 600; i++) assert.deepEqual(await pool.map(x => x + i, [1]), [1 + i])
    })
  })
})
