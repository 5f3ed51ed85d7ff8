import { describe, test } from 'node:test'
import { killCreators } from '../fixtures/memory/kills.ts'
import { limit } from '../fixtures/slowness.ts'

describe('segments end with the family that created them', { timeout: limit(600_000) }, () => {
  test('killed by SIGKILL, all of it, 200 times', () => killCreators(200, 2))
})
