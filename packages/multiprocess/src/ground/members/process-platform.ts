/** The platform of processes: a memfd, futexes, pipes, and what the kernel knows of processes. */

import type { Backing } from '../arena/memory.ts'
import type { OwnerId, ProcessTable } from '../arena/process-table.ts'
import { isRunning, processStatus } from '../os/process-status.ts'
import { createArenaFile, mapArenaFile } from './memfd.ts'
import { PipeBells } from './pipe-bells.ts'
import type { Bells, Platform } from './platform.ts'

export class ProcessPlatform implements Platform {
  readonly method = 'spawn'
  /** The arena's file descriptor in this process. */
  readonly fd: number
  readonly backing: Backing

  readonly #isThread: boolean

  /**
   * @param fd the inherited arena; a new one by default
   * @param windows the windows that threads of this process have mapped
   * @param isThread true in a thread, which may be stopped at any time
   */
  constructor(fd: number = createArenaFile(), windows?: BigInt64Array, isThread = false) {
    this.fd = fd
    this.backing = mapArenaFile(fd, windows)
    this.#isThread = isThread
  }

  bells(table: ProcessTable): Bells {
    return new PipeBells(table, !this.#isThread)
  }

  /** Registers `self`, unless its parent has already done so, as it usually has. */
  register(table: ProcessTable, self: OwnerId): void {
    if (table.pid(self) !== 0) return
    const status = processStatus(process.pid)
    if (status !== null) table.setProcess(self, process.pid, status.startTime)
  }

  /** Returns true if the process lives. This asks the kernel, which takes about 20 µs. */
  isAlive(table: ProcessTable, id: OwnerId): boolean {
    const pid = table.pid(id)
    return pid !== 0 && !table.isStopped(id) && isRunning(pid, table.startTime(id))
  }
}
