import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { describe, test } from 'node:test'
import { SLOT_COUNT } from '../../../src/ground/arena/layout.ts'
import { slotOf } from '../../../src/ground/arena/process-table.ts'
import { currentFamily } from '../../../src/ground/family.ts'
import { isRunning, processStatus } from '../../../src/ground/os/process-status.ts'
import { Process } from '../../../src/index.ts'
import { stayWithChildren } from '../../fixtures/process/families.ts'
import { isAlive, ownerOf, residentBytes, SharedWords } from '../../fixtures/process/ground.ts'
import { stay } from '../../fixtures/process/ground-targets.ts'
import { descriptorCount, linesOf, Scratch, until, untilSync } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

const { arena, table, self } = currentFamily()

function members(): number[] {
  return [...table.members()]
}

describe('the process table', { timeout: limit(120_000) }, () => {
  test('the process table knows this process', () => {
    assert.deepEqual([table.pid(self), isAlive(self)], [process.pid, true])
    assert.ok(members().includes(self))
  })

  test('a slot that is used again has another id, and the old id belongs to no process', () => {
    const seen = new Set<number>()
    for (let round = 0; round < 1000; round++) {
      const id = table.claim(self)
      assert.ok(id > 0 && id < 2 ** 30 && !seen.has(id))
      seen.add(id)
      table.setProcess(id, process.pid, processStatus(process.pid)?.startTime as number)
      assert.equal(isAlive(id), true)
      table.free(id)
      assert.deepEqual([isAlive(id), table.pid(id), table.bell(id)], [false, 0, -1])
      // Whoever comes late to free it does not free the one that has the slot now.
      const next = table.claim(self)
      assert.equal(slotOf(next), slotOf(id))
      table.free(id)
      assert.ok(members().includes(next))
      table.free(next)
    }
  })

  test('the process table is full at 1,023 processes, and has room again when one ends', () => {
    const before = members()
    const claimed = Array.from({ length: SLOT_COUNT - 1 - before.length }, () => table.claim(self))
    assert.ok(!claimed.includes(0))
    assert.equal(table.claim(self), 0)
    assert.throws(() => new Process().start(), { name: 'ProcessError', message: /already has 1,023/ })
    for (const id of claimed) table.free(id)
    assert.deepEqual(members(), before)
  })

  test('a pid that another process has now is not taken for the old process', async t => {
    const stranger = spawn('sleep', ['60'])
    t.after(() => stranger.kill())
    await once(stranger, 'spawn')
    const { pid } = stranger as { pid: number }
    const startTime = processStatus(pid)?.startTime as number
    const id = table.claim(self)
    table.setProcess(id, pid, startTime)
    assert.equal(isAlive(id), true)
    for (const other of [startTime - 1, startTime + 1, startTime + 2 ** 31]) {
      table.setProcess(id, pid, other)
      assert.equal(isAlive(id), false, `started at ${other} instead of ${startTime}`)
    }
    table.free(id)
  })

  test('start times past 31 bits are kept completely', () => {
    const id = table.claim(self)
    table.setProcess(id, 1, 3 * 2 ** 31 + 5)
    assert.equal(table.startTime(id), 3 * 2 ** 31 + 5)
    table.free(id)
  })

  test('a process that has ended and was not waited for is dead', async () => {
    using shared = new SharedWords(1)
    const child = new Process({ target: stay, args: [shared.at] })
    child.start()
    await until(() => Atomics.load(shared.words, 0) === 1, 'the child runs')
    const id = ownerOf(child.pid)
    assert.equal(isAlive(id), true)
    process.kill(child.pid as number, 'SIGKILL')
    untilSync(() => processStatus(child.pid as number)?.state === 'Z', 'it has ended')
    assert.equal(isAlive(id), false)
    await child.join()
    assert.ok(!members().includes(id))
  })

  test('an unknown state counts as running, and a missing process as dead', () => {
    const startTime = processStatus(process.ppid)?.startTime as number
    assert.equal(isRunning(process.ppid, startTime), true)
    assert.equal(isRunning(2 ** 22 + 1, 1), false)
    const held: number[] = []
    try {
      for (;;) held.push(openSync('/dev/null', 'r'))
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EMFILE')
      assert.equal(isRunning(process.ppid, startTime), true)
    } finally {
      for (const fd of held) closeSync(fd)
    }
  })

  test('names of programs with spaces and parentheses are skipped correctly', async t => {
    const named = spawn('bash', ['-c', 'printf ") Z 0 0" > /proc/self/comm && echo done && read'])
    t.after(() => named.kill())
    await once(named.stdout, 'data')
    const status = processStatus(named.pid as number)
    assert.equal(status?.parent, process.pid)
    assert.notEqual(status?.state, 'Z')
  })

  test('20 processes one after another leave no slot, descriptor or memory', async () => {
    const run = async () => {
      const child = new Process()
      child.start()
      await child.join()
      assert.equal(child.exitcode, 0)
    }
    for (let round = 0; round < 3; round++) await run()
    const count = () => ({ members: members().length, blocks: arena.liveBlocks, descriptors: descriptorCount() })
    const before = count()
    const resident = residentBytes()
    const { usedPages } = arena.check()
    for (let round = 0; round < 20; round++) await run()
    assert.deepEqual(count(), before)
    assert.equal(arena.check().usedPages, usedPages)
    assert.ok(residentBytes() <= resident + 2 ** 18, `${residentBytes() - resident} bytes more`)
  })

  test("a dead child's children are reaped with it", async () => {
    await using scratch = await Scratch.create()
    const file = scratch.file('running')
    const before = members()
    const blocks = arena.liveBlocks
    const child = new Process({ target: stayWithChildren, args: ['idle', 2, file] })
    child.start()
    await until(() => linesOf(file).length === 3, 'three run')
    assert.equal(members().length, before.length + 3)
    child.kill()
    await child.join()
    await until(() => members().length === before.length, 'all three slots are free')
    assert.deepEqual(members(), before)
    assert.equal(arena.liveBlocks, blocks)
  })

  test('the claim of a process that died before it started anything is taken back', async () => {
    const before = members()
    const child = new Process({ target: stay })
    child.start()
    const id = ownerOf(child.pid)
    // As the child would have left it, dying between its claim and its spawn.
    const claimed = table.claim(id)
    assert.equal(isAlive(claimed), false)
    child.kill()
    await child.join()
    await until(() => !members().includes(claimed), 'the claim is taken back')
    assert.deepEqual(members(), before)
  })
})
