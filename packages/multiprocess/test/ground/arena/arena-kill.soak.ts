import { test } from 'node:test'
import { killStorms } from '../../fixtures/process/kills.ts'
import { limit } from '../../fixtures/slowness.ts'

test(
  '500 processes that are killed while they allocate and free blocks leak nothing',
  { timeout: limit(600_000) },
  () => killStorms(500, 2)
)
