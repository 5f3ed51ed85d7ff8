/** What a program can do by hand: forked processes, structured clone over Node's own channel, tasks dealt out in turn. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TaskName } from '../task-by-name.ts'
import type { Contestant } from './contestant.ts'

interface Answer {
  readonly id: number
  readonly result: unknown
}

export async function openNodeIpc(workers: number, task: TaskName): Promise<Contestant> {
  const file = fileURLToPath(new URL('../workers/node-ipc.js', import.meta.url))
  const pending = new Map<number, (result: unknown) => void>()
  const children: ChildProcess[] = []
  for (let i = 0; i < workers; i++) {
    const child = fork(file, [task], { serialization: 'advanced' })
    child.on('message', answer => {
      const { id, result } = answer as Answer
      pending.get(id)?.(result)
      pending.delete(id)
    })
    children.push(child)
  }
  let id = 0
  return {
    run: argument =>
      new Promise(resolve => {
        pending.set(++id, resolve)
        children[id % workers].send({ id, argument })
      }),
    close: async () => {
      const ended = children.map(child => once(child, 'exit'))
      for (const child of children) child.disconnect()
      await Promise.all(ended)
    }
  }
}
