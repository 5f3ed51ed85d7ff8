import type { Target } from './target.ts'

/** What `run()` does unless it is overridden. */
export interface TargetCall {
  readonly target: Target | undefined
  readonly args: readonly unknown[]
}

/** What a Process object stands for: a started child, this process, or its parent. */
export interface Role {
  readonly name: string
  readonly daemon: boolean
  readonly pid: number
  readonly exitcode: number | null
  isAlive(): boolean
  kill(signal: NodeJS.Signals): void
  /** What it was started for, in the process itself. */
  readonly work?: TargetCall
  setName?(name: string): void
  setAuthkey?(key: Uint8Array): void
  /** For `util.inspect`. */
  describe(): string
}
