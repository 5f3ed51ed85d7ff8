/** Elements of the page. Texts are always texts: nothing that a program says becomes markup. */

type Child = Node | string | number | null | undefined

/** @example element('p', { class: 'note' }, 'no task yet') */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  for (const child of children) {
    if (child !== null && child !== undefined) made.append(child instanceof Node ? child : String(child))
  }
  return made
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found as T
}

export interface Column<T> {
  readonly title: string
  readonly isNumber?: boolean
  readonly of: (row: T) => Child
  /** Shown in red. */
  readonly isBad?: (row: T) => boolean
}

const textOf = (child: Child) => (child instanceof Element ? child.outerHTML : String(child))

/** Shows the rows in a table; without any, a sentence. What is as it was before is left alone, so that it can be selected. */
export function showTable<T>(
  place: HTMLElement,
  columns: readonly Column<T>[],
  rows: readonly T[],
  none: string
): void {
  const cells = rows.map(row => columns.map(column => [column.of(row), column.isBad?.(row) ?? false] as const))
  const key = JSON.stringify(cells.map(row => row.map(([child, isBad]) => [textOf(child), isBad])))
  if (place.dataset['key'] === key) return
  place.dataset['key'] = key
  if (rows.length === 0) {
    place.replaceChildren(element('p', { class: 'empty' }, none))
    return
  }
  const classOf = ({ isNumber }: Column<T>, isBad = false): Record<string, string> => {
    const names = [isNumber ? 'number' : '', isBad ? 'bad' : ''].filter(name => name !== '')
    return names.length === 0 ? {} : { class: names.join(' ') }
  }
  const head = columns.map(column => element('th', { scope: 'col', ...classOf(column) }, column.title))
  const body = cells.map(row =>
    element('tr', {}, ...row.map(([child, isBad], i) => element('td', classOf(columns[i], isBad), child)))
  )
  place.replaceChildren(
    element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body))
  )
}

/** A number in large letters, with what it is. */
export function tile(text: string, what: string, isBad = false): HTMLElement {
  return element('div', { class: isBad ? 'tile bad' : 'tile' }, element('b', {}, text), element('span', {}, what))
}

/** The value of a colour of the style sheet, as it is now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}
