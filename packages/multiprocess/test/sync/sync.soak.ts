/** Locks for long: a million turns, hundreds of killed holders, a thousand rounds, a million locks, every interleaving of three. */
// First: the package takes its clock when it is loaded.
import '../fixtures/clock.ts'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Barrier } from '../../src/index.ts'
import { limit } from '../fixtures/slowness.ts'
import { explore } from '../fixtures/sync/interleavings.ts'
import { countTogether, dropLocks, KINDS, killAnywhere, killHolders, meetAt } from '../fixtures/sync/long-run.ts'
import { LONG } from '../fixtures/sync/programs.ts'

const timeout = limit(1_200_000)
const MILLION = Number(process.env.MULTIPROCESS_SOAK_TURNS ?? 1_000_000)
const KILLS = Number(process.env.MULTIPROCESS_SOAK_KILLS ?? 500)

describe('a million turns', { timeout }, () => {
  for (const [name, make] of Object.entries(KINDS)) {
    test(`${name}: blocking and asynchronous callers of 4 processes`, { timeout }, () => countTogether(make(), MILLION))
  }
})

describe('killed holders', { timeout }, () => {
  for (const [name, make] of Object.entries(KINDS)) {
    test(`${name}: after each of ${KILLS} deaths, the waiting processes continue`, { timeout }, () =>
      killHolders(make(), KILLS)
    )
  }

  test('a lock lives on if a random process is killed anywhere in its turn', { timeout }, () =>
    killAnywhere(KINDS.Lock(), KILLS / 5)
  )
})

test('a Barrier of 5 parties passes 1,000 rounds', { timeout }, () => meetAt(new Barrier(5), 1000))

test('a million locks created and dropped leave the arena flat', { timeout }, () => dropLocks(MILLION))

describe('every interleaving', { timeout }, () => {
  for (const [name, program] of Object.entries(LONG)) {
    test(`of ${name}`, { timeout }, () => {
      const { states, ends } = explore(program)
      assert.ok(states > 10_000 && ends > 100, `${states} states, ${ends} ends`)
    })
  }
})
