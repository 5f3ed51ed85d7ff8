/** The messages of the server, and how the connection is. */

/** `silent`: the program has not sent anything for long; its thread is blocked, or computes. `ended`: nobody answers. */
export type FeedState = 'connecting' | 'live' | 'silent' | 'ended'

export interface FeedHandlers<H, T> {
  readonly hello: (hello: H) => void
  readonly tick: (tick: T) => void
  readonly state: (state: FeedState) => void
}

const SILENT_MS = 3000
const LOOK_MS = 500

/** Follows the server for as long as the page is open; a server that comes back is followed again. */
export function follow<H, T>({ hello, tick, state }: FeedHandlers<H, T>): void {
  const source = new EventSource('/events')
  let last = performance.now()
  let current: FeedState = 'connecting'
  const be = (next: FeedState) => {
    last = performance.now()
    if (next !== current) state((current = next))
  }
  source.addEventListener('hello', event => {
    be('live')
    hello(JSON.parse(event.data) as H)
  })
  source.addEventListener('tick', event => {
    be('live')
    tick(JSON.parse(event.data) as T)
  })
  source.addEventListener('error', () => {
    be('ended')
    // The browser tries again by itself, unless it was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), SILENT_MS)
  })
  setInterval(() => {
    if (current === 'live' && performance.now() - last > SILENT_MS) state((current = 'silent'))
  }, LOOK_MS)
}
