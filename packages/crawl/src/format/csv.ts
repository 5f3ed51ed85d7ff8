import { stringify } from 'csv-stringify/sync'
import { FIELDS, type PageResult } from '../result.ts'

/** The first line of a CSV file, newline included. */
export function csvHeader(): string {
  return stringify([[...FIELDS]], { record_delimiter: 'windows' })
}

/**
 * A page as a line of CSV (RFC 4180), newline included. Lists and objects are JSON; what is null is empty. A text that a
 * spreadsheet would take for a formula begins with an apostrophe.
 */
export function toCsvLine(page: PageResult): string {
  return stringify([FIELDS.map(field => cell(page[field]))], { record_delimiter: 'windows', escape_formulas: true })
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
