import { setTimeout as sleep } from 'node:timers/promises'
import type { Ask } from '../http/answer.ts'
import { Client } from '../http/client.ts'
import type { DownloadSettings } from '../http/settings.ts'
import type { PageHook } from '../page/extract.ts'
import type { PageOutcome } from '../page/outcome.ts'
import { visitPage } from './visit-page.ts'

let client: Client | undefined
let hook: PageHook | null = null

/** Runs when a worker starts. */
export function prepareWorker(settings: DownloadSettings, pageHook: PageHook | null): void {
  client = new Client(settings)
  hook = pageHook
}

/** Occupies a place in a worker for a while, and returns which worker it is. */
export async function holdPlace(ms: number): Promise<number> {
  await sleep(ms)
  return process.pid
}

/** What a worker runs: `visitPage` with the worker's own client, which it keeps from one page to the next. */
export function downloadPage(ask: Ask): Promise<PageOutcome> {
  return visitPage(client!, ask, { hook })
}
