import { test } from 'node:test'
import { killAndGoOn } from './kill.ts'

for (const ending of ['.db', '.jsonl'] as const) {
  test(`a crawl into ${ending} that is killed 4 times finds every page, and none twice`, { timeout: 240_000 }, () =>
    killAndGoOn(ending, 4)
  )
}
