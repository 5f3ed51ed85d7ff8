/**
 * `crawl`: a polite crawler that downloads and parses in many processes at once.
 * @module crawl
 */
export { type Crawl, crawl } from './crawl.ts'
export type { AskOptions } from './http/ask-options.ts'
export type { CrawlOptions } from './options.ts'
export type { OnPage, PageContext } from './page/extract.ts'
export type {
  LanguageRecord,
  LinkKind,
  LinkRecord,
  PageRecord,
  RedirectRecord,
  RobotsDirectives
} from './page/record.ts'
export type { PageResult } from './result.ts'
export type { ScopeKind } from './scope/scope.ts'
export type { CrawlStats } from './stats.ts'
export type { Store } from './store/store.ts'
export type { TrapKind, TrapNote } from './url/traps.ts'
