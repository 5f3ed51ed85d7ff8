/** The public face of every package is the one that was reviewed: what differs is shown. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'

interface Script {
  packages(): string[]
  reportOf(directory: string): string
}

const script = new URL('../../../../scripts/api.js', import.meta.url).href
const { packages, reportOf } = (await import(script)) as Script

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
