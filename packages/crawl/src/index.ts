export { type Crawl, type CrawlStats, crawl } from './crawl.ts'
export type { CrawlOptions } from './options.ts'
export type { PageResult } from './result.ts'
