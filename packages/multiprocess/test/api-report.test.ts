/** The public face of every package is the one that was reviewed: what differs is shown. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { Scratch } from './fixtures/process/tools.ts'

interface Script {
  packages(): string[]
  reportOf(directory: string): string
}

const script = new URL('../../../../scripts/api.js', import.meta.url).href
const { packages, reportOf } = (await import(script)) as Script
const comments = new URL('../../../../scripts/comments.js', import.meta.url).href
const { undocumented } = (await import(comments)) as { undocumented(directory: string): string[] }

/** As the compiler writes them. */
const DECLARATIONS = `/** A pair. */
export interface Pair {
    /** The first. */
    first: number;
    second: number;
    /** Swaps. */
    swap(): void;
    swap(times: number): void;
}
/** A part. */
export declare class Part implements Pair {
    #private;
    private hidden;
    constructor(first: number);
    first: number;
    swap(): void;
    [Symbol.dispose](): void;
    readonly field: 'a';
}
export interface Bare {
    member(): void;
}
export declare const bare: number;
/** Adds. */
export declare function add(a: number): number;
export declare function add(options: {
    a: number;
}): number;
`

describe('the public face is as its report says; `npm run api` writes what it is now', () => {
  for (const directory of packages()) {
    test(path.basename(directory), async () => {
      assert.equal(reportOf(directory), await readFile(path.join(directory, 'api-report.md'), 'utf8'))
    })
  }

  test('the report has every name, with its declaration, and what that names', () => {
    const directory = packages().find(directory => path.basename(directory) === 'multiprocess') as string
    const report = reportOf(directory)
    for (const text of [
      'export declare class Pool<A extends unknown[] = never[]> implements AsyncDisposable {',
      'export declare const getContext: (method?:',
      'export type StartMethod = ',
      'export declare const Lock: typeof processes.Lock;',
      'The same as `multiprocess/threads`.',
      'export interface Bound extends Factories {'
    ]) {
      assert.ok(report.includes(text), text)
    }
    assert.doesNotMatch(report, /\b(?:Arena|Family|Link|Mailbox|Memory|OwnerId|ProcessTable|Writer)\b/)
    assert.doesNotMatch(report, /#private|^ +protected |\/\*\*/m)
  })
})

describe('every exported name and every public member has a doc comment; `node scripts/comments.js` prints those without one', () => {
  for (const directory of packages()) {
    test(path.basename(directory), () => {
      assert.deepEqual(undocumented(directory), [])
    })
  }

  test('the check finds a name, a member, a constant and an overload without a comment, and no commented or inherited ones', async () => {
    await using scratch = await Scratch.create({
      'package.json': JSON.stringify({
        name: 'sample',
        exports: { '.': { types: './index.d.ts', default: './index.js' } }
      }),
      'index.d.ts': DECLARATIONS
    })
    assert.deepEqual(undocumented(scratch.directory), [
      'index.d.ts: Pair.second',
      'index.d.ts: Part.[Symbol.dispose]',
      'index.d.ts: Part.field',
      'index.d.ts: Bare',
      'index.d.ts: Bare.member',
      'index.d.ts: bare'
    ])
  })
})
