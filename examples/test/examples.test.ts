/** Each example runs as its reader would run it, and prints what it should. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const timeout = 60_000

interface Example {
  readonly args?: string[]
  readonly expected: RegExp
  /** Two workers print numbers in turn: from threads, whose lines go through the main thread, they arrive in any order. */
  readonly countsDown?: true
}

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
  '2b-manager': {
    expected: lines(
      'squares: 0,1,4,9,16,25,36,49,64,81',
      'numbers: 0,1,2,3,4,5,6,7,8,9,10',
      'computed: 82',
      "fruit: \\[ 'apple', 'pear' \\]",
      'balance: 42',
      'counted at the server: 42,43,44'
    )
  },
  '3-locks': {
    countsDown: true,
    expected: lines('10', '9', '8', '7', '6', '5', '4', '3', '2', '1', '0', 'done, and the lock is free')
  },
  '4-pool': {
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
    expected: lines('one by one: 13 pages', 'pool of 4: 13 pages', 'the same pages: true', '\\d+\\.\\d times as fast')
  },
  '6-return-values': {
    args: ['200000'],
    expected: lines(
      'kept: 50000 the last is 2499900001',
      'found, and not looked at all numbers there are: true',
      'consumed: 200000 of the right sum: true'
    )
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

/** The numbers from the largest on, then the other lines. */
function sorted(text: string): string {
  const all = text.split('\n')
  const isNumber = (line: string) => /^\d+$/.test(line)
  const numbers = all.filter(isNumber).sort((a, b) => Number(b) - Number(a))
  return [...numbers, ...all.filter(line => !isNumber(line))].join('\n')
}

for (const [name, { args = [], expected, countsDown }] of Object.entries(EXAMPLES)) {
  test(name, { timeout }, async () => {
    const file = fileURLToPath(new URL(`../${name}.js`, import.meta.url))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...args], { timeout })
    assert.match(countsDown && FALLBACK.test(stderr) ? sorted(stdout) : stdout, expected)
    assert.equal(stderr.replace(FALLBACK, ''), '')
  })
}
