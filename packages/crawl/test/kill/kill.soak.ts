import { test } from 'node:test'
import { killAndGoOn } from './kill.ts'

for (const ending of ['.db', '.jsonl', '.csv', '.warc.gz'] as const) {
  test(`a crawl into ${ending} that is killed 20 times finds every page, and none twice`, { timeout: 900_000 }, () =>
    killAndGoOn(ending, 20)
  )
}
