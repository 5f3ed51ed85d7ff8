import { test } from 'node:test'
import { killStorms } from '../../fixtures/process/kills.ts'
import { limit } from '../../fixtures/slowness.ts'

test(
  'processes that are killed while they allocate and free blocks leak nothing, and the others continue',
  { timeout: limit(60_000) },
  () => killStorms(20, 1)
)
