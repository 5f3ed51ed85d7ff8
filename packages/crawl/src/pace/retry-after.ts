/**
 * Returns the wait that a `Retry-After` header asks for, in milliseconds, 0 or more; null if it is neither a number of seconds nor a date
 * (RFC 9110, 10.2.3).
 * @param now the time, as in `Date.now()`
 */
export function retryAfter(value: string | null, now: number): number | null {
  const text = value?.trim() ?? ''
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  // `Date.parse` accepts far more than HTTP's three forms of dates, including numbers; all three begin with a weekday.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? /i.test(text)) return null
  const date = Date.parse(/GMT|UTC/i.test(text) ? text : `${text} GMT`)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
