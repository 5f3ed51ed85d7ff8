import { describe, test } from 'node:test'
import { killCreators } from '../fixtures/memory/kills.ts'
import { limit } from '../fixtures/slowness.ts'

describe('segments end with the family that created them', { timeout: limit(600_000) }, () => {
  test('segments of a family that is SIGKILLed are unlinked, 200 times', () => killCreators(200, 2))
})
