/** The pool's side of a trace: hands what tasks tell to the writer, which is loaded when it is first asked for. */
import { writeFileSync } from 'node:fs'
import type { TaskEndMessage, TaskEvents } from './task-events.ts'

/** Now, while whoever named the file can be told that it cannot be written. @throws what writing it throws */
export function createTrace(file: string): void {
  writeFileSync(file, '')
}

export class PoolTrace {
  #early: TaskEndMessage[] | undefined = []
  readonly #close: () => Promise<void>
  #closing: Promise<void> | undefined

  constructor(file: string, events: TaskEvents, concurrency: number) {
    const loading = import('../../observe/trace.ts').then(({ TraceFile }) => {
      const writer = new TraceFile(file, concurrency)
      for (const task of this.#early ?? []) writer.add(task)
      this.#early = undefined
      events.trace = task => writer.add(task)
      return writer
    })
    events.trace = task => void this.#early?.push(task)
    this.#close = async () => (await loading).close()
  }

  /** All that was told is in the file. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }
}
