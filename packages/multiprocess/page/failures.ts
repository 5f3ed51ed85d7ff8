/** The tasks that have failed, the last one first, each with both stacks. */
import type { FailureRow } from '../src/live/messages.ts'
import { byId, element } from './dom.js'
import type { Store } from './store.js'

/** What is there stays, so that it can be read. */
export function showFailures(store: Store): void {
  const place = byId('failures')
  if (store.failures.length === 0) {
    place.replaceChildren(element('p', { class: 'empty' }, 'No task has failed since the dashboard was started.'))
    return
  }
  place.querySelector(':scope > .empty')?.remove()
  const shown = new Map([...place.children].map(child => [Number((child as HTMLElement).dataset['number']), child]))
  const known = new Set(store.failures.map(({ number }) => number))
  for (const [number, child] of shown) if (!known.has(number)) child.remove()
  for (const failure of store.failures) {
    if (!shown.has(failure.number)) place.prepend(entryOf(failure, store.timeOf(failure.at)))
  }
}

function entryOf({ number, title, name, id, pool, pid, stack, caller }: FailureRow, at: Date): HTMLElement {
  const task = id === 0 ? 'an item of imap' : `task ${id}`
  const where = `${task}${name === '' ? '' : ` (${name})`} of pool ${pool}${pid === 0 ? '' : `, worker ${pid}`}`
  return element(
    'details',
    { 'data-number': String(number) },
    element(
      'summary',
      {},
      element('span', { class: 'bad' }, title),
      element('span', { class: 'note' }, `${at.toLocaleTimeString('en-GB')}, ${where}`)
    ),
    element('h3', {}, 'Thrown in the worker'),
    element('pre', {}, stack),
    element('h3', {}, 'Called from'),
    element('pre', {}, caller ?? 'not known: nobody awaited the result')
  )
}
