/** Circles of waits: each member waits for what the next one has, so none of them goes on. */

/** Somebody waits for what somebody else has. */
export interface Edge {
  readonly from: number
  /** 0: nobody, or nobody knows who. */
  readonly to: number
  /** The same for as long as it is the same wait. */
  readonly key: string
  /** The waiter can wait for itself: it is blocked. */
  readonly mayBeOwn: boolean
  readonly entry: { readonly timeout: boolean }
}

export interface Circle<E extends Edge> {
  readonly edges: readonly E[]
  /** The same for as long as it is the same circle. */
  readonly key: string
}

/** Each circle once. A wait that a timeout ends is in none. */
export function circlesOf<E extends Edge>(edges: readonly E[]): Circle<E>[] {
  const from = new Map<number, E[]>()
  for (const edge of edges) {
    if (edge.to === 0 || edge.entry.timeout || (edge.to === edge.from && !edge.mayBeOwn)) continue
    from.set(edge.from, [...(from.get(edge.from) ?? []), edge])
  }
  const circles = new Map<string, Circle<E>>()
  const done = new Set<number>()
  for (const start of from.keys()) walk(start, [], from, done, circles)
  return [...circles.values()]
}

function walk<E extends Edge>(
  at: number,
  path: readonly E[],
  from: ReadonlyMap<number, E[]>,
  done: Set<number>,
  circles: Map<string, Circle<E>>
): void {
  const begin = path.findIndex(edge => edge.from === at)
  if (begin >= 0) {
    const edges = path.slice(begin)
    const key = edges
      .map(edge => `${edge.from}>${edge.key}`)
      .sort()
      .join(' ')
    circles.set(key, { edges, key })
    return
  }
  if (done.has(at)) return
  for (const edge of from.get(at) ?? []) walk(edge.to, [...path, edge], from, done, circles)
  done.add(at)
}
