/** The process ground: a memfd, futexes, pipes, and what the kernel knows of processes. */
import { createArenaFile, mapArenaFile } from './memfd.ts'
import type { Backing } from './memory.ts'
import { PipeBells } from './pipe-bells.ts'
import type { Bells, Platform } from './platform.ts'
import { isRunning, processStatus } from './process-status.ts'
import type { OwnerId, ProcessTable } from './process-table.ts'

export class ProcessPlatform implements Platform {
  readonly method = 'spawn'
  /** The arena's file descriptor in this process. */
  readonly fd: number
  readonly backing: Backing

  /** @param fd the inherited arena; left out: a new one */
  constructor(fd: number = createArenaFile()) {
    this.fd = fd
    this.backing = mapArenaFile(fd)
  }

  bells(table: ProcessTable): Bells {
    return new PipeBells(table)
  }

  /** A child has been registered by its parent, as a rule. */
  register(table: ProcessTable, self: OwnerId): void {
    if (table.pid(self) !== 0) return
    const status = processStatus(process.pid)
    if (status !== null) table.setProcess(self, process.pid, status.startTime)
  }

  /** Asks the kernel, so it costs some 20 µs. */
  isAlive(table: ProcessTable, id: OwnerId): boolean {
    const pid = table.pid(id)
    return pid !== 0 && isRunning(pid, table.startTime(id))
  }
}
