import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentFamily } from '../../src/ground/family.ts'
import { Process } from '../../src/index.ts'
import { residentBytes } from '../fixtures/process/ground.ts'
import { storm } from '../fixtures/process/ground-targets.ts'
import { exit, raise } from '../fixtures/process/targets.ts'
import { descriptorCount } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

test('1,000 processes, 8 at a time, that end in every way leave nothing', { timeout: limit(1_200_000) }, async () => {
  const { arena, table } = currentFamily()
  const makers: [() => Process<never[]>, number][] = [
    [() => new Process(), 0],
    [() => new Process({ target: exit, args: [3] }), 3],
    [() => new Process({ target: raise, args: ['SIGKILL'] }), -9],
    [() => new Process({ target: storm, args: [{ seed: 1, rounds: 500, largest: 1e6 }] }), 0]
  ]
  const run = async (index: number) => {
    const [make, expected] = makers[index % makers.length]
    const child = make()
    child.start()
    await child.join()
    assert.equal(child.exitcode, expected)
  }
  const runAll = async (count: number) => {
    let next = 0
    const worker = async () => {
      while (next < count) await run(next++)
    }
    await Promise.all(Array.from({ length: 8 }, worker))
  }
  await runAll(16)
  const count = () => ({
    members: [...table.members()].length,
    blocks: arena.liveBlocks,
    descriptors: descriptorCount()
  })
  const before = count()
  await runAll(1000)
  assert.deepEqual(count(), before)
  arena.check()
  assert.ok(residentBytes() < 80 * 2 ** 20, `${residentBytes()} bytes stay`)
})
