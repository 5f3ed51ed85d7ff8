import { escapeMarkup } from '../format/markup.ts'

/** A part of the report. */
export interface Section {
  /** The fragment of its address. */
  readonly id: string
  readonly title: string
  /** The number of entries in it. Absent if they are not counted. */
  readonly count?: number
  /** Markup. */
  readonly body: string
}

/** The maximum number of rows of a table; further rows are only counted. */
const MOST_ROWS = 500

/**
 * Returns a complete page of HTML that needs no other file: styles and script are included, and nothing is loaded.
 * @param intro markup below the heading
 */
export function htmlPage(title: string, intro: string, sections: readonly Section[]): string {
  const links = sections.map(
    ({ id, title, count }) =>
      `<a href="#${id}">${escapeMarkup(title)}${count === undefined ? '' : ` <b>${count.toLocaleString('en')}</b>`}</a>`
  )
  const bodies = sections.map(
    ({ id, title, body }) => `<section id="${id}"><h2>${escapeMarkup(title)}</h2>\n${body}</section>`
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeMarkup(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escapeMarkup(title)}</h1>${intro}</header>
<nav aria-label="Sections">${links.join('\n')}</nav>
<main>
${bodies.join('\n')}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`
}

/** Returns a table; cells are markup. Columns of numbers have a name that ends with `#`, which is not shown. */
export function htmlTable(columns: readonly string[], rows: readonly (readonly string[])[], none = 'None.'): string {
  if (rows.length === 0) return `<p class="none">${escapeMarkup(none)}</p>`
  const isNumber = columns.map(name => name.endsWith('#'))
  const cell = (tag: string, content: string, column: number) =>
    `<${tag}${isNumber[column] ? ' class="number"' : ''}>${content}</${tag}>`
  const head = columns.map((name, column) => cell('th', escapeMarkup(name.replace(/#$/, '')), column)).join('')
  const body = rows
    .slice(0, MOST_ROWS)
    .map(row => `<tr>${row.map((content, column) => cell('td', content, column)).join('')}</tr>`)
  const more = rows.length - body.length
  return (
    `<div class="table"><table><thead><tr>${head}</tr></thead>\n<tbody>${body.join('\n')}</tbody></table></div>` +
    (more > 0 ? `<p>and ${more.toLocaleString('en')} more</p>` : '')
  )
}

/** Returns a link to a URL. A URL that is not an address of the web is shown as text. */
export function htmlLink(url: string, site: string): string {
  const { origin } = new URL(site)
  const text = escapeMarkup(url.startsWith(`${origin}/`) ? url.slice(origin.length) : url)
  if (!/^https?:\/\//.test(url)) return `<code>${text}</code>`
  return `<a href="${escapeMarkup(url)}" rel="noreferrer">${text}</a>`
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dde2ea; --paper: #fff; --back: #f4f6f9; --bad: #c2261c;
  --warn: #9a6300; --good: #1d7a3e; --accent: #2457c5 }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e9f0; --soft: #9aa5b8; --line: #333c4b; --paper: #1b212b; --back: #12161d;
  --bad: #ff7b72; --warn: #e3b341; --good: #56d364; --accent: #7aa7ff } }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back) }
header, main { max-width: 1200px; margin: 0 auto; padding: 0 1rem }
header { padding-top: 1.5rem }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 0 0 .75rem }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem }
header p { margin: .25rem 0 1rem; color: var(--soft) }
nav { position: sticky; top: 0; z-index: 1; background: var(--paper); border-block: 1px solid var(--line); padding: .5rem 1rem;
  display: flex; flex-wrap: wrap; gap: .25rem 1rem; justify-content: center }
a { color: var(--accent); text-decoration: none; overflow-wrap: anywhere }
a:hover, a:focus-visible { text-decoration: underline }
nav b { color: var(--soft); font-weight: 500 }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.25rem; margin: 1rem 0; scroll-margin-top: 4.5rem }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600; white-space: nowrap }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.none { color: var(--soft); margin: 0 }
.bad { color: var(--bad); font-weight: 600 } .warn { color: var(--warn); font-weight: 600 } .good { color: var(--good); font-weight: 600 }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .75rem; margin: 0 }
.tiles div { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem }
.tiles dt { color: var(--soft); font-size: .85rem } .tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums }
summary { cursor: pointer }
details ul { margin: .25rem 0; padding-left: 1.25rem }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: .3rem .75rem; align-items: center }
.bars span:nth-child(3n+1) { color: var(--soft) }
.bars i { display: block; height: 1rem; min-width: 2px; background: var(--accent); border-radius: 2px }
.graph { width: 100%; height: auto; max-height: 80vh; border: 1px solid var(--line); border-radius: 6px }
.graph line { stroke: var(--soft); stroke-opacity: .25 } .graph circle { stroke: var(--paper); cursor: pointer }
.graph .broken { stroke: var(--bad); stroke-width: 2.5 }
.graph.picks circle { opacity: .15 } .graph.picks line { stroke-opacity: .03 }
.graph.picks .picked { opacity: 1 } .graph.picks line.picked { stroke: var(--accent); stroke-opacity: .9 }
#graph-name { min-height: 1.5em; color: var(--soft); overflow-wrap: anywhere; margin: .5rem 0 0 }
`

/** Shows the neighbours of the page under the pointer, or with the focus, in the graph. */
const SCRIPT = `
for (const svg of document.querySelectorAll('.graph')) {
  const name = document.getElementById('graph-name')
  const circles = [...svg.querySelectorAll('circle')]
  const lines = [...svg.querySelectorAll('line')]
  const pick = index => {
    svg.classList.toggle('picks', index !== undefined)
    for (const item of svg.querySelectorAll('.picked')) item.classList.remove('picked')
    if (index === undefined) { name.textContent = name.dataset.hint; return }
    circles[index].classList.add('picked')
    let number = 0
    for (const line of lines) {
      const [from, to] = line.dataset.l.split(' ').map(Number)
      if (from !== index && to !== index) continue
      number++
      line.classList.add('picked')
      circles[from].classList.add('picked')
      circles[to].classList.add('picked')
    }
    name.textContent = circles[index].dataset.url + ' (' + number + ' links drawn)'
  }
  name.dataset.hint = name.textContent
  for (const [index, circle] of circles.entries()) {
    circle.addEventListener('pointerenter', () => pick(index))
    circle.addEventListener('focus', () => pick(index))
    circle.addEventListener('blur', () => pick())
    circle.addEventListener('click', () => open(circle.dataset.url, '_blank', 'noreferrer'))
  }
  svg.addEventListener('pointerleave', () => pick())
}
`
