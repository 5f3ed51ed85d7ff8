/** The parts of the page that are texts: tiles, maps, tables. */

import type { MapRow, PoolRow, TaskRow } from '../src/live/messages.ts'
import type { LockEntry, ManagerEntry, PoolEntry, ProcessEntry, QueueEntry, WaitEntry } from '../src/top/snapshot.ts'
import { byId, type Column, element, showTable, tile } from './dom.js'
import { bytes, count, milliseconds, rate, seconds } from './format.js'
import type { Store } from './store.js'

const NO_FAMILY = 'There is nothing to see here: this program has no processes, or this system has no /proc.'
const MOST_MAPS = 8

export function showTiles({ points, pools, family, maps }: Store): void {
  const sum = (of: (pool: PoolRow) => number) => pools.reduce((total, pool) => total + of(pool), 0)
  const workers = pools.flatMap(pool => pool.workers)
  const failed = sum(pool => pool.failed)
  const running = maps.filter(({ end }) => end === 0).length
  const memory = family?.processes.reduce((total, process) => total + process.memory, 0)
  byId('tiles').replaceChildren(
    tile(rate(points.at(-1)?.done ?? 0), 'tasks a second'),
    tile(count(sum(pool => pool.pending)), 'tasks wait or run'),
    tile(count(sum(pool => pool.completed)), 'tasks done'),
    tile(count(failed), 'tasks failed', failed > 0),
    tile(`${workers.filter(({ busy }) => busy).length} of ${workers.length}`, 'workers busy'),
    tile(String(running), running === 1 ? 'map runs' : 'maps run'),
    tile(memory === undefined ? '–' : bytes(memory), 'of memory, all processes')
  )
}

export function showMaps({ maps, clock }: Store): void {
  const place = byId('maps')
  if (maps.length === 0) {
    place.replaceChildren(element('p', { class: 'empty' }, 'No map was begun since the dashboard was started.'))
    return
  }
  const ordered = [...maps].sort((a, b) => Number(a.end > 0) - Number(b.end > 0) || b.begin - a.begin)
  place.replaceChildren(...ordered.slice(0, MOST_MAPS).map(map => mapBar(map, clock)))
}

function mapBar({ name, number, done, total, begin, end }: MapRow, clock: number): HTMLElement {
  const elapsed = ((end || clock) - begin) / 1000
  const left = total !== null && done > 0 && end === 0 ? ((total - done) * elapsed) / done : undefined
  const time = end > 0 ? `in ${seconds(elapsed)}` : left === undefined ? seconds(elapsed) : `${seconds(left)} left`
  const part = total === null ? count(done) : `${count(done)} of ${count(total)}`
  const label = name === '' ? `map ${number}` : name
  const value: Record<string, string> =
    total === null && end === 0 ? {} : { value: String(end > 0 && total === null ? 1 : done) }
  const bar = element('progress', { max: String(total ?? 1), 'aria-label': `${label}: ${part}`, ...value })
  return element(
    'div',
    { class: 'map' },
    element('code', {}, label),
    element('span', { class: 'note' }, `${part}, ${time}`),
    bar
  )
}

const POOLS: readonly Column<PoolRow>[] = [
  { title: 'pool', of: ({ number }) => number },
  { title: 'workers are', of: ({ method }) => (method === 'thread' ? 'threads' : 'processes') },
  {
    title: 'busy',
    isNumber: true,
    of: ({ workers }) => `${workers.filter(({ busy }) => busy).length} of ${workers.length}`
  },
  { title: 'wait or run', isNumber: true, of: ({ pending }) => count(pending) },
  { title: 'done', isNumber: true, of: ({ completed }) => count(completed) },
  { title: 'failed', isNumber: true, of: ({ failed }) => count(failed), isBad: ({ failed }) => failed > 0 },
  {
    title: 'restarts',
    isNumber: true,
    of: ({ workers }) => workers.reduce((sum, { restarts }) => sum + restarts, 0)
  },
  { title: 'where the time went', of: ({ summary }) => summary ?? 'make it with { timings: true } to know' }
]

const OTHER_POOLS: readonly Column<PoolEntry>[] = [
  { title: 'pool of process', of: ({ pid }) => pid },
  { title: 'busy', isNumber: true, of: ({ busy, workers }) => `${busy} of ${workers.length}` },
  { title: 'wait or run', isNumber: true, of: ({ pending }) => count(pending) },
  { title: 'done', isNumber: true, of: ({ completed }) => count(completed) },
  { title: 'done a second', isNumber: true, of: ({ rate: done }) => rate(done) },
  { title: 'restarts', isNumber: true, of: ({ restarts }) => restarts }
]

export function showPools({ pools, family }: Store): void {
  const place = byId('pools')
  const own = part(place, 'own')
  showTable(own, POOLS, pools, 'This process has no pool.')
  const others = family?.pools ?? []
  const other = part(place, 'other')
  other.hidden = others.length === 0
  showTable(other, OTHER_POOLS, others, '')
}

/** A part of a section that is filled by itself. */
function part(place: HTMLElement, name: string): HTMLElement {
  const found = place.querySelector<HTMLElement>(`[data-part="${name}"]`)
  if (found !== null) return found
  const made = element('div', { 'data-part': name })
  place.append(made)
  return made
}

const PROCESSES: readonly Column<ProcessEntry & { readonly served: ManagerEntry | undefined }>[] = [
  { title: 'process', of: ({ name }) => name },
  { title: 'pid', isNumber: true, of: ({ pid }) => pid },
  { title: 'role', of: ({ role, served }) => (served === undefined ? role : `${role} of ${served.objects} objects`) },
  { title: 'state', of: ({ state }) => state, isBad: ({ state }) => state === 'ended' },
  { title: 'CPU', isNumber: true, of: ({ cpu }) => `${Math.round(cpu)} %` },
  { title: 'memory', isNumber: true, of: ({ memory }) => bytes(memory) }
]

const QUEUES: readonly Column<QueueEntry>[] = [
  { title: 'queue', of: ({ id }) => id },
  { title: 'kind', of: ({ kind }) => kind },
  {
    title: 'length',
    isNumber: true,
    of: ({ length, maxsize }) => (maxsize === null ? count(length) : `${count(length)} of ${count(maxsize)}`),
    isBad: ({ length, maxsize }) => maxsize !== null && length >= maxsize
  },
  { title: 'not done', isNumber: true, of: ({ unfinished }) => (unfinished === null ? '' : count(unfinished)) },
  { title: 'made at', of: ({ place }) => place ?? '' }
]

const LOCKS: readonly Column<LockEntry>[] = [
  { title: 'lock', of: ({ id }) => id },
  { title: 'kind', of: ({ kind }) => kind },
  { title: 'holder', of: ({ holder, value }) => (value !== null ? `${value} free` : (holder ?? 'nobody')) },
  { title: 'waiters', of: ({ waiters }) => waiters.join(', ') },
  { title: 'made at', of: ({ place }) => place ?? '' }
]

const WAITS: readonly Column<WaitEntry & { readonly ms: number }>[] = [
  { title: 'process', of: ({ name, pid }) => `${name} ${pid}` },
  {
    title: 'waits for',
    of: ({ for: target, kind, id, holder }) =>
      target === 'end'
        ? `the end of ${id} ${holder}`
        : `${target === 'lock' ? 'the' : `${target} of the`} ${kind} ${id ?? ''}`
  },
  { title: 'held by', of: ({ holder, for: target }) => (target === 'end' ? '' : (holder ?? '')) },
  { title: 'for', isNumber: true, of: ({ ms }) => seconds(ms / 1000) },
  { title: 'how', of: ({ blocked }) => (blocked ? 'blocked' : 'in its event loop') },
  { title: 'at', of: ({ place }) => place ?? '' }
]

export function showFamily({ family, time }: Store): void {
  const { processes = [], queues = [], locks = [], waits = [], managers = [], deadlocks = [] } = family ?? {}
  const none = (text: string) => (family === null ? NO_FAMILY : text)
  const rows = processes.map(process => ({ ...process, served: managers.find(({ pid }) => pid === process.pid) }))
  showTable(byId('processes'), PROCESSES, rows, none('There are no processes.'))
  showTable(byId('queues'), QUEUES, queues, none('There are no queues.'))
  showTable(byId('locks'), LOCKS, locks, none('There are no locks.'))
  const since = waits.map(wait => ({ ...wait, ms: Math.max(0, time - Date.parse(wait.since)) }))
  showTable(byId('waits'), WAITS, since, none('No process waits.'))
  const banner = byId('deadlocks')
  banner.hidden = deadlocks.length === 0
  const texts = deadlocks.map(({ waits: circle, certain }) => {
    const parts = circle.map(({ name, pid, kind, id, holder, for: target }) => {
      // The holder waits, too: that makes the circle.
      const other = `${circle.find(wait => wait.pid === holder)?.name ?? ''} ${holder}`.trim()
      return target === 'end'
        ? `${name} ${pid} waits for ${id} ${holder} to end`
        : `${name} ${pid} waits for the ${kind} ${id}, held by ${other}`
    })
    return element('p', {}, `${certain ? 'Deadlock' : 'Deadlock, unless an event loop lets go'}: ${parts.join('; ')}`)
  })
  // What is announced is announced once.
  if (texts.map(({ textContent }) => textContent).join() === [...banner.children].map(p => p.textContent).join()) return
  banner.replaceChildren(...texts)
}

export function showDetails(place: HTMLElement, task: TaskRow | undefined, store: Store): void {
  if (task === undefined) {
    place.replaceChildren()
    return
  }
  const entries: [string, string][] = [
    ['task', `${task.name === '' ? 'a function without a name' : task.name}, number ${task.id} of pool ${task.pool}`],
    ['worker', String(task.pid)],
    ['outcome', task.outcome],
    ['began at', store.timeOf(task.start).toLocaleTimeString('en-GB')],
    ['waited', milliseconds(Math.max(0, task.start - task.submit))],
    [task.end > 0 ? 'ran' : 'runs for', milliseconds((task.end || store.clock) - task.start)]
  ]
  if (task.end > 0) entries.push(['arguments', task.args ?? 'not kept: there are too many tasks a second'])
  const list = entries.flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)])
  place.replaceChildren(element('dl', {}, ...list))
}
