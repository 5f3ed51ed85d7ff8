/** Kinds of URLs that a site can generate endlessly. */
export type TrapKind = 'deep path' | 'repeated segments' | 'calendar' | 'query permutations' | 'query combinations'

/** What was not visited because it looks like a trap. */
export interface TrapNote {
  /** The kind of trap. */
  kind: TrapKind
  /** The number of links that were cut; a link on several pages counts several times. */
  links: number
  /** The first URL that was cut. */
  example: string
}

/** No site has reason for more segments than this. */
const MOST_SEGMENTS = 24
/** A part of the path that repeats four times in a row comes from relative links that go on for ever; numbers may be a tree. */
const REPEATED = /((?:\/[^/]*[^/\d][^/]+|\/[^/]+[^/\d][^/]*)(?:\/[^/]+){0,3})\1{3}(?=\/|$)/
/** The maximum number of pages of a calendar in a row, each linked by the one before: monthly pages of 40 years. */
const MOST_DATES_IN_A_ROW = 480
const FIRST_YEAR = 1800
/** Calendars go this far into the future, in years. */
const YEARS_AHEAD = 2
/** The maximum number of orders of the same parameters of one path. */
const MOST_ORDERS = 3
/** The maximum number of sets of parameters of one path: combined filters make them. */
const MOST_PARAMETER_SETS = 64
const MOST_PARAMETERS = 24
/** The number of paths whose parameters are remembered. */
const MOST_PATHS = 100_000

/** `/2026/01`, `date=2026-01`, `year=2026`. */
const DATE = /(?:[/=]|%2F)(\d{4})(?:[-/](?:0?[1-9]|1[0-2])(?:[-/](?:0?[1-9]|[12]\d|3[01]))?)?(?=[/?&.]|$)/
const HAS_DATE_NAME = /calendar|date|year|month|week|day|event|archive/i

/** Tells URLs that a site generates endlessly from those of its pages, and counts what it cuts. */
export class Traps {
  readonly #thisYear: number
  readonly #notes = new Map<TrapKind, TrapNote>()
  /** By URL of a calendar's page: how many such pages in a row led to it. */
  readonly #datesInARow = new Map<string, number>()
  /** By path: the orders of each set of parameters. */
  readonly #parameters = new Map<string, Map<string, Set<string>>>()

  constructor(thisYear: number = new Date().getFullYear()) {
    this.#thisYear = thisYear
  }

  /** What was cut so far. */
  get notes(): TrapNote[] {
    return [...this.#notes.values()].map(note => ({ ...note }))
  }

  /**
   * Returns true if a URL is not part of a trap, as far as is known.
   * @param url a normalised URL
   * @param from the normalised URL of the page that links to it
   */
  admits(url: string, from: string): boolean {
    const kind = this.#kindOf(url, from)
    if (kind === undefined) return true
    const note = this.#notes.get(kind)
    if (note) note.links++
    else this.#notes.set(kind, { kind, links: 1, example: url })
    return false
  }

  #kindOf(url: string, from: string): TrapKind | undefined {
    const pathStart = url.indexOf('/', url.indexOf('//') + 2)
    const question = url.indexOf('?', pathStart)
    const path = url.slice(pathStart, question < 0 ? undefined : question)
    const segments = countSlashes(path)
    if (segments > MOST_SEGMENTS) return 'deep path'
    if (segments >= 4 && REPEATED.test(path)) return 'repeated segments'
    if (this.#isEndlessCalendar(url, pathStart, from)) return 'calendar'
    return question < 0 ? undefined : this.#kindOfQuery(url.slice(0, question), url.slice(question + 1))
  }

  #isEndlessCalendar(url: string, pathStart: number, from: string): boolean {
    const tail = url.slice(pathStart)
    if (!/\d{4}/.test(tail)) return false
    const date = DATE.exec(tail)
    if (!date) return false
    const hasMonth = /\d{4}[-/]\d/.test(date[0])
    if (!hasMonth && !HAS_DATE_NAME.test(tail)) return false
    const year = Number(date[1])
    // A number that is not near a year of the calendar is some other number.
    if (year > this.#thisYear + YEARS_AHEAD && year < this.#thisYear + 1000) return true
    if (year < FIRST_YEAR && year > FIRST_YEAR - 200) return true
    const inARow = (this.#datesInARow.get(from) ?? 0) + 1
    const known = this.#datesInARow.get(url)
    if (known === undefined || inARow < known) this.#datesInARow.set(url, inARow)
    return Math.min(inARow, known ?? inARow) > MOST_DATES_IN_A_ROW
  }

  #kindOfQuery(path: string, query: string): TrapKind | undefined {
    const names = query.split('&').map(pair => pair.split('=', 1)[0])
    if (names.length < 2) return undefined
    if (names.length > MOST_PARAMETERS) return 'query combinations'
    let sets = this.#parameters.get(path)
    if (!sets) {
      if (this.#parameters.size >= MOST_PATHS) return undefined
      this.#parameters.set(path, (sets = new Map()))
    }
    const order = names.join('&')
    const set = [...names].sort().join('&')
    const orders = sets.get(set)
    if (orders) {
      if (orders.has(order)) return undefined
      if (orders.size >= MOST_ORDERS) return 'query permutations'
      orders.add(order)
    } else {
      if (sets.size >= MOST_PARAMETER_SETS) return 'query combinations'
      sets.set(set, new Set([order]))
    }
    return undefined
  }
}

/** Describes in one line what was cut, and how to follow it. */
export function describeTrap({ kind, links, example }: TrapNote): string {
  const what = links === 1 ? '1 link was not followed' : `${links} links were not followed`
  return `${what}, as the site seems to make them without end (${kind}), such as ${example}; --traps follow follows them`
}

function countSlashes(path: string): number {
  let count = 0
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) count++
  return count
}
