/** Numbers as people read them. */

export function milliseconds(ms: number): string {
  if (ms < 0.0995) return `${(ms * 1000).toFixed(0)} µs`
  if (ms < 9.95) return `${ms.toFixed(ms < 0.995 ? 2 : 1)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  return seconds(ms / 1000)
}

export function seconds(s: number): string {
  if (s < 59.95) return `${s.toFixed(1)} s`
  const whole = Math.round(s)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

export function count(n: number): string {
  return n >= 1e6 ? `${(n / 1e6).toFixed(2)} M` : Math.round(n).toLocaleString('en')
}

/** A number a second. */
export function rate(n: number): string {
  return n >= 100 || n === 0 ? count(n) : n.toFixed(1)
}

export function bytes(n: number): string {
  if (n >= 2 ** 30) return `${(n / 2 ** 30).toFixed(2)} GiB`
  return n >= 2 ** 20 ? `${(n / 2 ** 20).toFixed(0)} MiB` : `${(n / 1024).toFixed(0)} KiB`
}
