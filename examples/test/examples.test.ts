/** Each example runs as its reader would run it, and prints what it should. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const timeout = 60_000

interface Example {
  readonly args?: string[]
  /** The lines, or a check of them. From threads, whose lines go through the main thread, the lines of several workers arrive in any order. */
  readonly expected: RegExp | ((lines: string[], isOnThreads: boolean) => void)
}

const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

const EXAMPLES: Readonly<Record<string, Example>> = {
  '1-process': {
    expected: lines(
      'some processors, and this is MainProcess',
      'before start: worker false null',
      'children: worker',
      'worker does its job with one and two',
      'after join: worker false 0',
      'joined in time: false',
      'terminated: -15',
      'exit code: 3'
    )
  },
  '2-sharing': {
    expected: lines(
      'squares: 1,4,9,16',
      'counted: 3000',
      'found: 0:0 1:1 2:4 3:9 4:16 5:25 6:36 7:49 8:64 9:81',
      'I heard: hello'
    )
  },
  '2c-manager': {
    expected: lines(
      'squares: 0,1,4,9,16,25,36,49,64,81',
      'numbers: 0,1,2,3,4,5,6,7,8,9,10',
      'computed: 82',
      "fruit: \\[ 'apple', 'pear' \\]",
      'balance: 42',
      'counted at the server: 42,43,44'
    )
  },
  '2a-array': {
    expected(lines, isOnThreads) {
      assert.equal(lines.pop(), 'at the end: 1001, 2, 3, 4')
      const changes = lines.map(
        line => /^process (\d) changed the first element: (\d+)$/.exec(line) ?? assert.fail(line)
      )
      assert.deepEqual(changes.map(([, process]) => Number(process)).sort(), TEN)
      const values = changes.map(([, , value]) => Number(value))
      if (isOnThreads) values.sort((a, b) => a - b)
      assert.deepEqual(
        values,
        TEN.map(n => 101 + n * 100)
      )
    }
  },
  '2b-queue': {
    expected(lines) {
      const [, last] = /^the queue holds the number of the last process: (\d)$/.exec(lines.pop() ?? '') ?? assert.fail()
      const steps = lines.map(
        line => /^process (\d) got (\d+) from the queue, and puts \1$/.exec(line) ?? assert.fail(line)
      )
      assert.equal(steps.length, 10)
      const next = new Map(steps.map(([, process, got]) => [got, process]))
      let held = '100'
      for (const _ of TEN) held = next.get(held) ?? assert.fail(`nobody got ${held}`)
      assert.equal(held, last)
      assert.deepEqual([...next.values()].map(Number).sort(), TEN)
    }
  },
  '3-locks': {
    expected(lines, isOnThreads) {
      assert.equal(lines.pop(), 'done, and the lock is free')
      const numbers = lines.map(Number)
      if (isOnThreads) numbers.sort((a, b) => b - a)
      assert.deepEqual(numbers, [10, ...TEN.toReversed()])
    }
  },
  '4a-tasks': {
    expected(lines) {
      const squares = Array.from({ length: 30 }, (_, n) => n * n).join(' ')
      assert.equal(lines.pop(), `on threads: ${squares}`)
      const end = lines.indexOf(`all tasks are done: ${squares}`)
      assert.ok(end >= 0)
      const done = lines
        .toSpliced(end, 1)
        .map(line => /^task (\d+) is done by (PoolWorker-\S+)$/.exec(line) ?? assert.fail(line))
      assert.deepEqual(
        done.map(([, task]) => Number(task)).sort((a, b) => a - b),
        Array.from({ length: 30 }, (_, n) => n)
      )
      const workers = new Set(done.map(([, , worker]) => worker))
      assert.ok(workers.size > 1 && workers.size <= 5, [...workers].join())
    }
  },
  '4b-pool': {
    expected: lines(
      'apply: 49',
      'ready at once: false',
      'applyAsync: 8555 with 30 callbacks',
      'successful: true',
      'map: 729,784,841',
      'imap: 729,784,841',
      'closed: ValueError',
      'terminated: PoolTerminatedError',
      'threads: 8555'
    )
  },
  '5-crawler': {
    expected(lines) {
      assert.match(lines.pop() ?? '', /^\d+\.\d times as fast$/)
      const walks = lines.join('\n').split(/^Total time: \d+\.\d s\n?/m)
      assert.equal(walks.pop(), '')
      assert.equal(walks.length, 2)
      assert.equal(walks[0], walks[1])
      const part = (n: number, page = '') => `/part-${n}/${page}`
      const parts = [1, 2, 3, 4]
      const levels = [['/'], parts.map(n => part(n)), parts.flatMap(n => [part(n, 'a/'), part(n, 'b/')])]
      let count = 1
      const expected = levels.map(paths => {
        const pages = paths.map(path => `${count++} Page ${path} ${path}`)
        return ['', 'Distributed Crawling...', '', 'Distributed Parsing...', '', 'Analysing...', ...pages, ''].join(
          '\n'
        )
      })
      assert.equal(walks[0], expected.join(''))
    }
  },
  '6a-keep-results': { expected: lines('kept 50000 results, the last is 2499900001') },
  '6b-first-true': { expected: lines('found', 'true: 1', 'stopped: 9999', 'processes left: 0') },
  '6c-endless': {
    args: ['2000000'],
    expected: lines('consumed 2000000 results, their sum is right: true', 'memory stayed below 500 MB: true')
  },
  '7-connections': {
    expected: lines('6 \\* 7\\? 42', 'the other program has ended: 0', 'a guess is let in: false')
  },
  '8-cluster': {
    expected: lines(
      'primes below 10,000: 1229',
      'sum of squares: 14',
      'RangeError: from far away',
      'tasks done: true duplicates: 0'
    )
  }
}

/** Where processes cannot be had the examples run on threads, with this warning. */
const FALLBACK = /^\(node:\d+\) \[MULTIPROCESS_THREADS\] .*\n\(Use `node --trace-warnings .*\n/

function lines(...all: string[]): RegExp {
  return new RegExp(`^${all.map(line => `${line}\\n`).join('')}$`)
}

for (const [name, { args = [], expected }] of Object.entries(EXAMPLES)) {
  test(`the example ${name} prints what its comments say`, { timeout }, async () => {
    const file = fileURLToPath(new URL(`../${name}.js`, import.meta.url))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...args], { timeout })
    if (expected instanceof RegExp) assert.match(stdout, expected)
    else expected(stdout.replace(/\n$/, '').split('\n'), FALLBACK.test(stderr))
    assert.equal(stderr.replace(FALLBACK, ''), '')
  })
}

test('every example is run', async () => {
  const files = await readdir(new URL('../', import.meta.url))
  const programs = files.filter(name => name.endsWith('.js')).map(name => name.slice(0, -3))
  assert.deepEqual(programs.sort(), Object.keys(EXAMPLES).sort())
})
