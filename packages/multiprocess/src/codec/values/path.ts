/** A step into an entry of a Map or Set. */
export class EntryStep {
  readonly #type: 'key' | 'value' | 'member'
  index = 0
  key: unknown

  constructor(type: 'key' | 'value' | 'member') {
    this.#type = type
  }

  toString(): string {
    if (this.#type === 'member') return `.values()[${this.index}]`
    if (this.#type === 'key') return `.keys()[${this.index}]`
    if (typeof this.key === 'string') return `.get(${quote(this.key)})`
    if (typeof this.key === 'number') return `.get(${this.key})`
    return `.values()[${this.index}]`
  }
}

export type PathStep = string | number | EntryStep

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
const SHOWN_STEPS = 16
const SHOWN_KEY = 60

function quote(key: string): string {
  return JSON.stringify(key.length > SHOWN_KEY ? `${key.slice(0, SHOWN_KEY)}…` : key)
}

function formatStep(step: PathStep): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step !== 'string') return step.toString()
  return step.length <= SHOWN_KEY && IDENTIFIER.test(step) ? `.${step}` : `[${quote(step)}]`
}

/** Returns the root for a part of the items: `items[1000…]` if the first of them is number 1000. */
export function rootFrom(root: string, first: number): string {
  return first === 0 ? root : `${root}[${first}…]`
}

const ROOT_FROM = /^(.*)\[(\d+)…\]$/

/** Formats a path such as `args[0].db.socket`. The middle of a very long path is left out. */
export function formatPath(root: string, steps: readonly PathStep[], count: number): string {
  const from = ROOT_FROM.exec(root)
  const isItem = from !== null && count > 0 && typeof steps[0] === 'number'
  let path = isItem ? `${from[1]}[${Number(from[2]) + (steps[0] as number)}]` : root
  for (let i = isItem ? 1 : 0; i < count; i++) {
    if (count > SHOWN_STEPS && i === SHOWN_STEPS / 2) {
      path += '…'
      i = count - SHOWN_STEPS / 2
    }
    path += formatStep(steps[i])
  }
  // Without a root, the path begins with the first key.
  return root === '' && path.startsWith('.') ? path.slice(1) : path
}
