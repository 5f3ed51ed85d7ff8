import type { Target } from './target.ts'

/** What `run()` calls unless it is overridden. */
export interface TargetCall {
  readonly target: Target | undefined
  readonly args: readonly unknown[]
}

/** What a Process object represents: a started child, this process, or its parent. */
export interface Role {
  readonly name: string
  readonly daemon: boolean
  readonly pid: number
  readonly exitcode: number | null
  isAlive(): boolean
  kill(signal: NodeJS.Signals): void
  /** In the process itself: what it was started for. */
  readonly work?: TargetCall
  setName?(name: string): void
  setAuthkey?(key: Uint8Array): void
  /** Returns a description for `util.inspect`. */
  describe(): string
}
