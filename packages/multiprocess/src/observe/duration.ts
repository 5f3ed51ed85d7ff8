import cliProgress from 'cli-progress'

/** Returns seconds as text for a terminal: `4.1s`, `12s`, `3m20s`, `1h5m`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)}s`
  return cliProgress.Format.TimeFormat(Math.round(seconds), { autopaddingChar: '' } as never, 1)
}
