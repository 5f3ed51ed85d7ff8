import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pool } from '../../src/index.ts'
import { Project } from '../fixtures/functions/project.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

const HERE = 'stacks\\.test\\.js'
const INDEX = new URL('../../src/index.js', import.meta.url).href
const TSX = import.meta.resolve('tsx')

/** The remote frames and those of the caller. */
async function stackOf(fail: () => Promise<unknown>): Promise<[remote: string, caller: string]> {
  try {
    await fail()
  } catch (error) {
    const [remote, caller = ''] = ((error as Error).stack ?? '').split('\n    -- called from --\n')
    return [remote, caller]
  }
  assert.fail('it did not reject')
}

describe("the stack of a task's error", { timeout: limit(60_000) }, () => {
  test('an error has the stack of the worker, and that of the code that awaits the result', async () => {
    await using pool = new Pool(1)
    async function outer(fail: () => Promise<unknown>): Promise<unknown> {
      return { result: await fail() }
    }
    const calls: (() => Promise<unknown>)[] = [
      async function first() {
        await pool.apply(tasks.fail, ['no'])
      },
      async function first() {
        await pool.map(tasks.fail, ['no'])
      },
      async function first() {
        await pool.applyAsync(tasks.fail, ['no'])
      },
      async function first() {
        await pool.applyAsync(tasks.fail, ['no']).get()
      },
      async function first() {
        const result = pool.applyAsync(tasks.fail, ['no'])
        await result.wait()
        await result
      },
      async function first() {
        for await (const _ of pool.imap(tasks.fail, ['no']));
      },
      async function first() {
        await pool.apply(tasks.fail, ['no']).then(value => value)
      }
    ]
    for (const call of calls) {
      const [remote, caller] = await stackOf(() => outer(call))
      assert.match(remote, /^RangeError: no\n +at fail \(file:.*fixtures\/pool\/tasks\.js:\d+:\d+\)/)
      assert.match(
        caller,
        new RegExp(
          `^ +at async (?:Object\\.)?first \\(file:.*${HERE}:\\d+:\\d+\\)\\n +at async outer \\(file:.*${HERE}`
        )
      )
    }
  })

  test('an error has only the stack of the worker if no code awaits it', async () => {
    await using pool = new Pool(1)
    const error = await new Promise<Error>(resolve => {
      void pool.applyAsync(tasks.fail, ['no'], { errorCallback: thrown => resolve(thrown as Error) })
    })
    assert.match(error.stack ?? '', /^RangeError: no\n +at fail /)
    assert.doesNotMatch(error.stack ?? '', /called from/)
  })

  test('an error that makes many calls fail has one caller in its stack', async () => {
    const pool = new Pool(1)
    const waiting = Array.from({ length: 5 }, () => stackOf(async () => void (await pool.apply(tasks.sleep, [60_000]))))
    const result = pool.applyAsync(tasks.fail, ['no'])
    pool.terminate()
    for (const [, caller] of await Promise.all(waiting)) assert.doesNotMatch(caller, /called from/)
    const stacks = await Promise.all([1, 2, 3].map(() => stackOf(() => result.get())))
    assert.equal(new Set(stacks.map(String)).size, 1)
    assert.doesNotMatch(stacks[0][1], /called from/)
    await pool.join()
  })

  test('a stack that cannot be changed, or is no text, stays unchanged', async () => {
    await using pool = new Pool(1)
    const thrown = await pool.apply(tasks.throwValue, [{ stack: 5 }]).catch((error: unknown) => error)
    assert.deepEqual(thrown, { stack: 5 })
  })

  test('a stack names the sources of generated code, even of code that was sent on to a third process', async () => {
    await using project = await Project.create({
      'package.json': '{"type":"module"}',
      'library.ts': `interface Nothing {}
export const hidden = (() => {
  const level: number = 1

  return (): number => { if (level) throw new RangeError('inner'); return level }
})()`,
      'main.ts': `import { Pool, Process } from '${INDEX}'
import { hidden } from './library.ts'

interface Shape { kind: string }
const level: number = 3
const fail = (shape: Shape): number => {
  if (level) throw new RangeError(shape.kind)
  return level
}
class Failing {
  field: string = 'f'
  static made: number = level + 1
  run(): void {
    fail({ kind: this.field })
  }
}
async function caller(run: () => unknown): Promise<string> {
  try {
    await pool.apply(run)
    return ''
  } catch (error) {
    return (error as Error).stack ?? ''
  }
}
await using pool = new Pool(1)
const failing = new Failing()
const nested = async () => {
  await using inner = new Pool(1)
  await inner.apply(fail, [{ kind: 'nested' }])
}
console.log(JSON.stringify([await caller(() => failing.run()), await caller(hidden), await caller(nested)]))
const child = new Process({ target: fail, args: [{ kind: 'printed' }] })
child.start()
await child.join()`
    })
    const { stdout, stderr } = await project.node(['--import', TSX, 'main.ts'])
    const stacks = (JSON.parse(stdout) as string[]).map(stack =>
      stack
        .replaceAll(project.directory, '')
        .split('\n')
        .map(line => line.trim())
    )
    const [own, library, nested] = stacks
    assert.deepEqual(own.slice(0, 3), ['RangeError: f', 'at fail (/main.ts:7:20)', 'at Failing.run (/main.ts:14:5)'])
    assert.equal(own.at(-2), 'at async caller (/main.ts:19:5)')
    assert.equal(library[0], 'RangeError: inner')
    assert.match(library[1], /^at (?:<anonymous> \()?\/library\.ts:5:43\)?$/)
    assert.equal(nested[1], 'at fail (/main.ts:7:20)')
    assert.match(nested.join('\n'), /at async nested \(\/main\.ts:29:3\)/)
    assert.match(stderr.replaceAll(project.directory, ''), /RangeError: printed\n +at fail \(\/main\.ts:7:20\)/)
    assert.doesNotMatch(stderr, /at .*#mapped/)
  })
})
