/** What a Process object stands for: a started child, this process, or its parent. */
export interface Role {
  readonly name: string
  readonly daemon: boolean
  readonly pid: number
  readonly exitcode: number | null
  isAlive(): boolean
  kill(signal: NodeJS.Signals): void
  setAuthkey?(key: Uint8Array): void
  /** For `util.inspect`. */
  describe(): string
}
