/**
 * `crawl/ui`: a page that shows a crawl while it runs.
 * @module crawl/ui
 */
export { type CrawlPage, type CrawlPageOptions, startCrawlPage } from './start.ts'
