import { normalEscapes } from '../url/escapes.ts'

/** A rule for a path. */
export interface Rule {
  readonly isAllowed: boolean
  /** The text in the file, with several stars in a row as one, cut to 2,000 characters. */
  readonly text: string
  /** The line in the file, counted from 1. */
  readonly line: number
}

/** Longer rules are cut: a URL has at most 8,000 characters, and no honest rule comes near that. */
const MAX_RULE_LENGTH = 2000
/** The maximum number of rules for one group; further ones are left out. */
const MAX_RULES = 50_000

interface CompiledRule extends Rule {
  /** The parts between the stars, in normal form. */
  readonly parts: readonly string[]
  /** True if the path must end where the rule does (`$`). */
  readonly isAnchored: boolean
  /** The length of the pattern in normal form: the longest rule that matches decides. */
  readonly length: number
}

interface Group {
  readonly rules: CompiledRule[]
  delay: number | undefined
}

/** A robots.txt, read according to RFC 9309. Reading and querying it take time that is linear in its size. */
export class RobotsFile {
  readonly #groups = new Map<string, Group>()
  /** As they are in the file, absolute or not. */
  readonly sitemaps: string[] = []

  constructor(text: string) {
    let group: string[] = []
    let isInRules = true
    let line = 0
    for (const entry of text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)) {
      line++
      const hash = entry.indexOf('#')
      const content = hash < 0 ? entry : entry.slice(0, hash)
      const colon = content.indexOf(':')
      if (colon < 0) continue
      const key = content.slice(0, colon).trim().toLowerCase()
      const value = content.slice(colon + 1).trim()
      if (key === 'user-agent') {
        if (isInRules) group = []
        isInRules = false
        const name = value.slice(0, MAX_NAME_LENGTH).split('/', 1)[0].trim().toLowerCase()
        if (name === '') continue
        group.push(name)
        if (!this.#groups.has(name)) this.#groups.set(name, { rules: [], delay: undefined })
      } else if (key === 'allow' || key === 'disallow') {
        isInRules = true
        this.#addRule(group, key === 'allow', value, line)
      } else if (key === 'crawl-delay') {
        isInRules = true
        const delay = Number(value)
        if (value === '' || !(delay >= 0)) continue
        for (const name of group) this.#groups.get(name)!.delay = delay
      } else if (key === 'sitemap' && value !== '') this.sitemaps.push(value)
    }
  }

  /** Returns the delay in seconds; 0 if the file has none. */
  crawlDelay(robot: string): number {
    return this.#groupFor(robot)?.delay ?? 0
  }

  /**
   * Returns the rule that decides on a path: the longest one that matches and, of two with this length, the one that allows. undefined if
   * none matches, in which case the path is allowed.
   * @param path a path with its query, in normal form
   */
  ruleFor(path: string, robot: string): Rule | undefined {
    let found: CompiledRule | undefined
    for (const rule of this.#groupFor(robot)?.rules ?? []) {
      const isStronger = !found || rule.length > found.length || (rule.length === found.length && rule.isAllowed)
      if (isStronger && matches(rule, path)) found = rule
    }
    return found
  }

  #groupFor(robot: string): Group | undefined {
    return this.#groups.get(robot.toLowerCase()) ?? this.#groups.get('*')
  }

  #addRule(names: readonly string[], isAllowed: boolean, value: string, line: number): void {
    // A rule without a path has no effect.
    if (value === '' || names.length === 0) return
    const text = value.replace(/\*{2,}/g, '*').slice(0, MAX_RULE_LENGTH)
    const rule = compile(text, isAllowed, line)
    for (const name of new Set(names)) {
      const { rules } = this.#groups.get(name)!
      if (rules.length < MAX_RULES) rules.push(rule)
    }
  }
}

const MAX_NAME_LENGTH = 500

function compile(text: string, isAllowed: boolean, line: number): CompiledRule {
  const isAnchored = text.endsWith('$')
  const pattern = normalPattern(isAnchored ? text.slice(0, -1) : text)
  return { isAllowed, text, line, parts: pattern.split('*'), isAnchored, length: pattern.length + (isAnchored ? 1 : 0) }
}

/** Returns a rule in the spelling in which URLs are compared. */
function normalPattern(pattern: string): string {
  const question = pattern.indexOf('?')
  const path = question < 0 ? pattern : pattern.slice(0, question)
  // In a path, browsers take `\` for `/`; in a query, they encode the apostrophe.
  const query = question < 0 ? '' : pattern.slice(question).replaceAll("'", '%27')
  return normalEscapes(path.replaceAll('\\', '/') + query)
}

function matches({ parts, isAnchored }: CompiledRule, path: string): boolean {
  if (!path.startsWith(parts[0])) return false
  const last = parts.length - 1
  if (last === 0) return !isAnchored || path.length === parts[0].length
  let from = parts[0].length
  for (let index = 1; index < last; index++) {
    const at = path.indexOf(parts[index], from)
    if (at < 0) return false
    from = at + parts[index].length
  }
  const end = parts[last]
  return isAnchored ? path.length - end.length >= from && path.endsWith(end) : path.indexOf(end, from) >= 0
}
