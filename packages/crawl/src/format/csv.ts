import { stringify } from 'csv-stringify/sync'
import { FIELDS, type PageResult } from '../result.ts'

/** Returns the first line of a CSV file, with a newline. */
export function csvHeader(): string {
  return stringify([[...FIELDS]], { record_delimiter: 'windows' })
}

/**
 * Returns a page as a line of CSV (RFC 4180), with a newline. Lists and objects are JSON; null is empty. A text that a spreadsheet would
 * take for a formula begins with an apostrophe.
 */
export function toCsvLine(page: PageResult): string {
  return stringify([FIELDS.map(field => cell(page[field]))], { record_delimiter: 'windows', escape_formulas: true })
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
