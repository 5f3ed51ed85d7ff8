import { test } from 'node:test'
import { killFamilies } from '../fixtures/process/kills.ts'
import { limit } from '../fixtures/slowness.ts'

test(
  '200 families killed at random moments leave no process, file, FIFO, socket or memory',
  { timeout: limit(1_200_000) },
  () => killFamilies(200, 2)
)
