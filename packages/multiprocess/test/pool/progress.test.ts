/** The `progress` option: functions, plain lines, and a bar on a terminal. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Pool } from '../../src/index.ts'
import { ProgressLine } from '../../src/observe/progress.ts'
import * as tasks from '../fixtures/pool/tasks.ts'
import { range } from '../fixtures/pool/tools.ts'
import { limit } from '../fixtures/slowness.ts'
import { framesOf } from '../fixtures/terminal.ts'

const timeout = limit(120_000)
const program = fileURLToPath(new URL('../fixtures/pool/progress-program.js', import.meta.url))

const nested = fileURLToPath(new URL('../fixtures/pool/nested-progress.js', import.meta.url))
const SCRIPT = '/usr/bin/script'

/** What the program prints to stderr, which is no terminal. */
async function printedBy(...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args])
  assert.equal(stdout, '')
  return stderr.trimEnd().split('\n')
}

/** What a line shows on a terminal of so many columns, before its end and after. */
function drawn(columns: number, draw: (line: ProgressLine, other: (label: string) => ProgressLine) => void): string[] {
  let written = ''
  const sink = new Writable({
    write: (chunk, _, done) => {
      written += chunk
      done()
    }
  })
  const stream = Object.assign(sink, { isTTY: true, columns }) as never
  draw(new ProgressLine('pages', stream), label => new ProgressLine(label, stream))
  return written.split(/\x1b\[1G|\x1b\[0K|\x1b\[\?7[hl]/).filter(text => text !== '')
}

describe('progress as a function', { timeout }, () => {
  test('a progress function gets the number of results and the total', async () => {
    await using pool = new Pool(2)
    const told: [number, number | undefined][] = []
    const progress = (done: number, total: number | undefined) => void told.push([done, total])
    await pool.map(tasks.square, range(20), { progress, chunksize: 5 })
    // Chunks that come at once are told at once.
    assert.deepEqual(told.at(-1), [20, 20])
    for (const [index, [done, total]] of told.entries()) {
      assert.ok(total === 20 && done % 5 === 0 && done > (told[index - 1]?.[0] ?? 0), `${told}`)
    }
    told.length = 0
    for await (const _ of pool.imapUnordered(tasks.square, new Set(range(6)), { progress }));
    assert.deepEqual(
      told,
      [1, 2, 3, 4, 5, 6].map(done => [done, 6])
    )
    told.length = 0
    for await (const _ of pool.imap(tasks.square, range(3).values(), { progress }));
    assert.deepEqual(
      told,
      [1, 2, 3].map(done => [done, undefined])
    )
  })

  test('a progress function runs in the async context of the call', async () => {
    await using pool = new Pool(1)
    const storage = new AsyncLocalStorage<string>()
    const seen = new Set<unknown>()
    const progress = () => void seen.add(storage.getStore())
    await storage.run('here', () => pool.map(tasks.square, range(9), { progress }))
    assert.deepEqual([...seen], ['here'])
  })

  test('an error of a progress function is uncaught, and all results arrive', async () => {
    const printed = await printedBy('throw', '')
    assert.deepEqual([printed.at(-3), ...printed.slice(-2)], ['thrown at 12', 'thrown at 1', 'thrown at 2'])
  })

  test('an invalid progress option is refused', async () => {
    await using pool = new Pool(1)
    assert.throws(() => pool.mapAsync(tasks.square, [1], { progress: 7 as never }), /progress must be true, a label/)
    assert.throws(() => pool.imap(tasks.square, [1], { progress: {} as never }), TypeError)
    assert.deepEqual(await pool.map(tasks.square, [2], { progress: false }), [4])
  })
})

describe('progress as an object', { timeout }, () => {
  /** What it is told, in order. */
  class Told {
    readonly calls: unknown[][] = []
    begin(total: number | undefined): void {
      this.calls.push(['begin', total])
    }
    update(done: number, total: number | undefined): void {
      this.calls.push(['update', done, total])
    }
    end(): void {
      this.calls.push(['end'])
    }
  }

  test('a progress object gets the begin, each result, and the end', async () => {
    await using pool = new Pool(1)
    const map = new Told()
    await pool.map(tasks.square, range(3), { progress: map, chunksize: 3 })
    assert.deepEqual(map.calls, [['begin', 3], ['update', 3, 3], ['end']])
    const imap = new Told()
    for await (const _ of pool.imap(tasks.square, range(2).values(), { progress: imap }));
    assert.deepEqual(imap.calls, [['begin', undefined], ['update', 1, undefined], ['update', 2, undefined], ['end']])
  })

  test('a progress object gets the end of a map that fails, once', async () => {
    await using pool = new Pool(1)
    const told = new Told()
    await assert.rejects(pool.map(tasks.fail, ['no'], { progress: told }))
    assert.deepEqual(told.calls.at(-1), ['end'])
    assert.equal(told.calls.filter(([name]) => name === 'end').length, 1)
  })

  test('a progress object may have only update, and one with invalid methods is refused', async () => {
    await using pool = new Pool(1)
    const told: number[] = []
    await pool.map(tasks.square, range(2), { progress: { update: done => void told.push(done) }, chunksize: 2 })
    assert.deepEqual(told, [2])
    for (const progress of [{}, { begin() {} }, { update: 1 }, { update() {}, end: 'now' }]) {
      assert.throws(() => pool.mapAsync(tasks.square, [1], { progress: progress as never }), {
        name: 'TypeError',
        message: /^progress must be true, a label, a function, or an object with update\(\)/
      })
    }
  })

  test('an error of a progress object is uncaught, and all results arrive', async () => {
    const printed = await printedBy('throw-object', '')
    assert.deepEqual(printed, ['uncaught: at the begin', 'uncaught: at 2', 'uncaught: at the end', '1,4'])
  })
})

describe('where stderr is no terminal', { timeout }, () => {
  test('without a terminal, map ends with a line of the total, the rate and the time', async () => {
    const lines = await printedBy('map', 'squares')
    assert.match(lines.at(-1) as string, /^squares 100 % \| 40\/40 \| [\d.,]+\/s \| in [\d.]+s$/)
    assert.ok(lines.length < 10)
  })

  test('without a terminal, imap of unknown length has no percentage', async () => {
    assert.match((await printedBy('imap', '')).at(-1) as string, /^40, [\d.,]+\/s, [\d.]+s$/)
  })

  test('without a terminal, a map that fails leaves its line', async () => {
    assert.match((await printedBy('fail', 'squares')).at(-1) as string, /^squares \d+ % \| \d+\/40 \|/)
  })
})

describe('on a terminal', () => {
  test('a terminal shows a bar with the rate and the remaining time', async () => {
    const texts = drawn(200, line => {
      const begin = performance.now()
      while (performance.now() - begin < 20);
      line.update(10, 40)
      line.end()
    })
    assert.match(texts[0], /^pages █{8}░{22} 25 % \| 10\/40 \| [\d,.]+\/s \| [\d.]+s left$/)
    assert.equal(texts.at(-1), '\n')
  })

  test('a terminal shows a full bar, and a bar of nothing', () => {
    const [full] = drawn(200, line => {
      line.update(1_234_567, 1_234_567)
      line.end()
    })
    assert.match(full, /^pages █{30} 100 % \| 1,234,567\/1,234,567 \| .* \| in 0\.0s$/)
    const [empty] = drawn(200, line => {
      line.update(0, 0)
      line.end()
    })
    assert.match(empty, /^pages █{30} 100 % \| 0\/0/)
  })

  test('a terminal with little room shows a shorter bar, or none', () => {
    const draw = (line: ProgressLine): void => {
      line.update(0, 0)
      line.end()
    }
    assert.match(drawn(50, draw)[0], /^pages █{6,29} 100 % \| 0\/0 \| in 0\.0s$/)
    assert.match(drawn(30, draw)[0], /^pages 100 % \| 0\/0 \| in 0\.0s$/)
  })

  test('a terminal shows two bars below each other, and the first that ends above the other', () => {
    const texts = drawn(200, (line, other) => {
      const second = other('images\n')
      line.update(1, 2)
      second.update(2, 2)
      second.end()
      line.update(2, 2)
      line.end()
    })
    assert.match(texts[0], /^images {2}█{30} 100 % \| 2\/2/)
    assert.match(texts[1], /^\npages █{15}░{15} 50 % \| 1\/2 \| [\d.]+s$/)
    // The cursor is in the line of the one that goes on.
    assert.match(texts[2], /^pages █{30} 100 % \| 2\/2/)
    assert.deepEqual(texts.slice(3), ['\n'])
  })

  test('the pools of tasks draw their bars below that of the pool they are tasks of, and leave one line each', {
    skip: existsSync(SCRIPT) ? false : `there is no ${SCRIPT}, which makes a terminal`
  }, async () => {
    const command = `stty cols 80 rows 24; '${process.execPath}' '${nested}' main`
    const { stdout } = await promisify(execFile)(SCRIPT, ['-qec', command, '/dev/null'])
    const frames = framesOf(stdout, '\x1b[?7h')
    const bar = (name: string) => new RegExp(`^${name} [█░]+ \\d+ % \\| `)
    const all = frames.findIndex(lines => {
      const [first, second, third] = lines.slice(-3)
      return bar('outer').test(first) && bar('inner \\d').test(second) && bar('inner \\d').test(third)
    })
    assert.notEqual(all, -1, frames.map(lines => lines.join('\n')).join('\n\n'))
    const last = (frames.at(-1) as string[]).filter(line => line !== '')
    assert.equal(last.length, 6, last.join('\n'))
    const inner = last.slice(0, 4).map(line => /^inner (\d) █{30} 100 % \| 12\/12 \| .* \| in /.exec(line)?.[1])
    assert.deepEqual(inner.sort(), ['1', '2', '3', '4'], last.join('\n'))
    assert.match(last[4], /^outer █{30} 100 % \| 4\/4 \| .* \| in /)
    assert.equal(last[5], '12 12 12 12')
  })

  test('a program that exits meanwhile leaves the line on the terminal', async () => {
    const listeners = process.listenerCount('exit')
    const texts = drawn(200, line => {
      assert.equal(process.listenerCount('exit'), listeners + 1)
      line.end()
    })
    assert.equal(process.listenerCount('exit'), listeners)
    assert.equal(texts.at(-1), '\n')
  })

  test('a progress line is never wider than the terminal, and ends once', () => {
    const texts = drawn(20, line => {
      line.update(3, undefined)
      line.end()
      line.end()
    })
    assert.deepEqual(
      texts.map(text => text.length <= 19),
      [true, true]
    )
  })
})
