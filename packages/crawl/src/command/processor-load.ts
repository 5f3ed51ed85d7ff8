import { cpus } from 'node:os'

/** The load of this computer's processors. */
export class ProcessorLoad {
  readonly #before = times()

  /** The load since the object was created, from 0 to 1. */
  get share(): number {
    const now = times()
    const all = now.all - this.#before.all
    return all > 0 ? 1 - (now.idle - this.#before.idle) / all : 0
  }
}

function times(): { all: number; idle: number } {
  let all = 0
  let idle = 0
  for (const { times } of cpus()) {
    all += times.user + times.nice + times.sys + times.idle + times.irq
    idle += times.idle
  }
  return { all, idle }
}
