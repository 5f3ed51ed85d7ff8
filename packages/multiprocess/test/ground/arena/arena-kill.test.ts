import { test } from 'node:test'
import { killStorms } from '../../fixtures/process/kills.ts'
import { limit } from '../../fixtures/slowness.ts'

test(
  'processes killed while they take and give back blocks: the others go on, and nothing leaks',
  { timeout: limit(60_000) },
  () => killStorms(20, 1)
)
