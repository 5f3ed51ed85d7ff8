import { compute, spin, square, touch } from './tasks.ts'

const tasks = { square, spin, touch, compute }

/** A pool is opened for one of them. */
export type TaskName = keyof typeof tasks

export function taskByName(name: string | undefined): (argument: unknown) => unknown {
  const task = tasks[name as TaskName]
  if (task === undefined) throw new Error(`there is no task "${name}"`)
  return task as (argument: unknown) => unknown
}
