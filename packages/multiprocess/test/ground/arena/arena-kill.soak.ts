import { test } from 'node:test'
import { killStorms } from '../../fixtures/process/kills.ts'
import { limit } from '../../fixtures/slowness.ts'

test('500 processes killed while they take and give back blocks', { timeout: limit(600_000) }, () => killStorms(500, 2))
