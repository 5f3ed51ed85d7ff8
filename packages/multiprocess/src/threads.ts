/** `multiprocess/threads`, also named `multiprocess/dummy`: the same names over worker threads. */
import type { StartMethod } from './ground/platform.ts'
import { Pool as ProcessPool } from './pool/pool.ts'
import { Process as BaseProcess } from './process/process.ts'

export * from './common.ts'

/** The same as a Process, in a thread: `pid` is its threadId, and no signal reaches it, but it can be ended. */
export class Process<A extends unknown[] = never[]> extends BaseProcess<A> {
  protected static override readonly method: StartMethod = 'thread'
}

/** The same, with worker threads. */
export class Pool extends ProcessPool {
  protected static override readonly method: StartMethod = 'thread'
}
