import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Frontier } from '../src/frontier.ts'

const limits = { timeout: 10_000 }

function add(frontier: Frontier, url: string, depth: number): void {
  frontier.add({ url, depth, from: null })
}

function takeAll(frontier: Frontier): string[] {
  const taken: string[] = []
  for (let entry = frontier.take(); entry; entry = frontier.take()) taken.push(`${entry.url}${entry.depth}`)
  return taken
}

test('entries are taken by depth, then in the order in which they were found', limits, () => {
  const frontier = new Frontier()
  add(frontier, 'c', 2)
  add(frontier, 'a', 1)
  add(frontier, 'd', 2)
  add(frontier, 'b', 1)
  assert.deepEqual(takeAll(frontier), ['a1', 'b1', 'c2', 'd2'])
  add(frontier, 'e', 1)
  assert.deepEqual(takeAll(frontier), ['e1'])
})

test('a page is taken once', limits, () => {
  const frontier = new Frontier()
  add(frontier, 'a', 1)
  add(frontier, 'a', 1)
  assert.equal(frontier.unseen, 1)
  assert.equal(frontier.take()?.url, 'a')
  add(frontier, 'a', 0)
  assert.equal(frontier.take(), undefined)
  assert.equal(frontier.unseen, 0)
  assert.equal(frontier.seen, 1)
})

test('a page found again nearer to the start moves up', limits, () => {
  const frontier = new Frontier()
  add(frontier, 'a', 3)
  add(frontier, 'b', 2)
  add(frontier, 'a', 1)
  assert.equal(frontier.unseen, 2)
  assert.deepEqual(takeAll(frontier), ['a1', 'b2'])
})

test('a claimed page is not taken, and can be claimed once', limits, () => {
  const frontier = new Frontier()
  add(frontier, 'a', 0)
  add(frontier, 'b', 0)
  assert.ok(frontier.claim('a'))
  assert.ok(!frontier.claim('a'))
  assert.ok(frontier.claim('elsewhere'))
  assert.deepEqual(takeAll(frontier), ['b0'])
  assert.ok(!frontier.claim('b'))
})

test('half a million entries are taken in seconds, not hours', limits, () => {
  const frontier = new Frontier()
  for (let number = 0; number < 500_000; number++) add(frontier, `http://example.com/${number}`, number % 7)
  let last = -1
  for (let entry = frontier.take(); entry; entry = frontier.take()) {
    assert.ok(entry.depth >= last)
    last = entry.depth
  }
  assert.equal(frontier.seen, 500_000)
})
