/** A snapshot as lines of text: for a terminal, and for `--once`. */
import { printable } from '../ground/inspect.ts'
import { duration } from '../observe/duration.ts'
import type { PoolEntry, ProcessEntry, Snapshot, WaitEntry } from './snapshot.ts'

export interface PageOptions {
  readonly columns: number
  /** Escape codes may be used. */
  readonly isColored: boolean
}

type Row = readonly (string | number)[]

const BOLD = '1'
const DIM = '2'
const RED = '31;1'

/** A line for each thing that there is to see, none of them longer than the columns. */
export function pageOf(snapshot: Snapshot, options: PageOptions): string[] {
  const lines: string[] = []
  const paint = (code: string, text: string) => (options.isColored ? `\x1b[${code}m${text}\x1b[0m` : text)
  const add = (text: string, code?: string) => {
    const cut = text.length > options.columns ? `${text.slice(0, options.columns - 1)}…` : text
    lines.push(code === undefined ? cut : paint(code, cut))
  }
  const table = (title: string, head: Row, rows: readonly Row[]) => {
    if (rows.length === 0) return
    add('')
    const [first, ...rest] = columnsOf([[title, ...head], ...rows])
    add(first, DIM)
    for (const line of rest) add(line)
  }
  const { families } = snapshot
  add(
    `multiprocess top · ${new Date(snapshot.time).toLocaleTimeString('en-GB')} · ${countOf(families.length, 'family', 'families')}`,
    BOLD
  )
  if (families.length === 0) add('No program of this user uses the package now.')
  for (const { family, pid, command, processes } of families) {
    const own = <T extends { family: number }>(entries: readonly T[]) =>
      entries.filter(entry => entry.family === family)
    const names = new Map(own(snapshot.processes).map(({ pid, name }) => [pid, name]))
    const who = (pid: number | null) => (pid === null ? '' : `${printable(names.get(pid) ?? 'a process')} ${pid}`)
    add('')
    const gone = pid === null ? ', its first process has ended' : ''
    add(`${printable(command)} — ${countOf(processes, 'process', 'processes')}${gone}`, BOLD)
    for (const deadlock of own(snapshot.deadlocks)) {
      const circle = deadlock.waits.map(
        wait => `${who(wait.pid)} waits ${targetText(wait)}, held by ${who(wait.holder)}`
      )
      add(`deadlock: ${circle.map(text => text.replace(/( to end), held by .*$/, '$1')).join('; ')}`, RED)
      if (!deadlock.certain) add('  unless one of them, whose event loop runs, lets go of what it has', RED)
    }
    table('process', ['pid', 'role', 'state', 'CPU', 'memory'], own(snapshot.processes).map(processRow))
    table(
      'pool',
      ['of', 'pending', 'done', 'rate', 'busy', 'waited p50/p99', 'ran p50/p99', 'restarts'],
      own(snapshot.pools).map(pool => poolRow(pool, who(pool.pid)))
    )
    table(
      'queue',
      ['kind', 'length', 'maxsize', 'made at'],
      own(snapshot.queues).map(({ id, kind, length, maxsize, place }) => [id, kind, length, maxsize ?? '', place ?? ''])
    )
    const locks = own(snapshot.locks)
    const shown = locks.filter(({ holder, waiters }) => holder !== null || waiters.length > 0)
    table(
      'lock',
      ['kind', 'holder', 'waiters', 'made at'],
      shown.map(({ id, kind, holder, value, waiters, place }) => [
        id,
        kind,
        value === null ? who(holder) : `value ${value}`,
        waiters.map(who).join(', '),
        place ?? ''
      ])
    )
    if (locks.length > shown.length) add(`${countOf(locks.length - shown.length, 'free lock', 'free locks')} not shown`)
    table(
      'manager',
      ['pid', 'objects', 'clients'],
      own(snapshot.managers).map(({ name, pid, objects, clients }) => [printable(name), pid, objects, clients])
    )
    const waits = own(snapshot.waits).filter(wait => wait.for !== 'task' && wait.for !== 'permit')
    table(
      'waits',
      ['for', 'since', 'how', 'at'],
      waits.map(wait => [
        who(wait.pid),
        `${targetText(wait)}${wait.for === 'lock' && wait.holder !== null ? `, held by ${who(wait.holder)}` : ''}`,
        duration((Date.parse(snapshot.time) - Date.parse(wait.since)) / 1000),
        wait.blocked ? 'blocked' : 'event loop',
        wait.place ?? ''
      ])
    )
  }
  return lines
}

function processRow({ name, pid, role, state, cpu, memory }: ProcessEntry): Row {
  return [printable(name), pid, role, state, `${cpu.toFixed(0)} %`, `${Math.round(memory / 2 ** 20)} MiB`]
}

function poolRow({ id, pending, completed, rate, busy, workers, wait, run, restarts }: PoolEntry, of: string): Row {
  const times = (entry: PoolEntry['wait']) => (entry === null ? '' : `${ms(entry.p50)} / ${ms(entry.p99)}`)
  return [id, of, pending, completed, `${rate}/s`, `${busy} of ${workers.length}`, times(wait), times(run), restarts]
}

/** What goes on after "waits". */
export function targetText({ for: target, kind, id }: WaitEntry): string {
  switch (target) {
    case 'lock':
      return `for the ${kind} ${id}`
    case 'item':
      return `for an item of the ${kind} ${id}`
    case 'room':
      return `for room in the ${kind} ${id}`
    case 'done':
      return `for all items of the ${kind} ${id} to be done`
    case 'event':
      return `for the Event ${id} to be set`
    case 'condition':
      return `to be notified by the Condition ${id}`
    case 'barrier':
      return `at the Barrier ${id}`
    case 'end':
      return `for ${printable(id ?? '')} to end`
    case 'task':
      return `for a task of the pool ${id}`
    case 'permit':
      return `to be let work by the pool ${id}`
    case 'reply':
      return 'for a message of a manager'
    default:
      return 'for something that this command does not know'
  }
}

function columnsOf(rows: readonly Row[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => String(row[column] ?? '').length)))
  const isNumber = widths.map((_, column) => rows.slice(1).every(row => /^$|^[\d.,]/.test(String(row[column]))))
  return rows.map(row =>
    row
      .map((cell, column) =>
        isNumber[column] ? String(cell).padStart(widths[column]) : String(cell).padEnd(widths[column])
      )
      .join('  ')
      .trimEnd()
  )
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

function ms(value: number): string {
  return value < 1 ? `${(value * 1000).toFixed(0)} µs` : `${value.toFixed(value < 10 ? 1 : 0)} ms`
}
